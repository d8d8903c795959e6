"""The motion vectors that a codec stores, without decoding to RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import UnsupportedMedia
from onlooker.video.index import FrameIndex, Int64
from onlooker.video.orientation import Orientation
from onlooker.video.packets import choose, number_packet, packets
from onlooker.video.source import Source

_CODECS = ("h264", "mpeg1video", "mpeg2video", "mpeg4", "h263", "msmpeg4v3", "msmpeg4v2", "wmv1", "wmv2", "flv")


@dataclass(frozen=True, slots=True, eq=False)
class MotionVectors:
    """Blocks of one frame and where their content comes from; empty in frames coded without reference.

    `position` float32 (n, 2): x, y of the block centres in displayed pixels. `motion` float32 (n, 2): from the
    block to its source, to a quarter pixel. `size` int64 (n, 2): width and height of the blocks. `source` int32 (n,):
    negative for a past reference, positive for a future one.
    """

    index: int
    time: float
    position: NDArray[np.float32]
    motion: NDArray[np.float32]
    size: Int64
    source: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.source)


def read_motion_vectors(
    source: Source, index: FrameIndex, wanted: Int64, orientation: Orientation | None
) -> Iterator[MotionVectors]:
    """The motion vectors of ascending frames. Raises UnsupportedMedia for codecs whose decoder doesn't export any."""
    if not len(wanted):
        return
    with source.open() as container:
        stream = choose(container, index.stream)
        context = stream.codec_context
        if context.name not in _CODECS:
            raise UnsupportedMedia(
                f"{source.name}: the {context.name} decoder gives no motion vectors; {', '.join(_CODECS[:4])} do."
            )
        context.options = {"flags2": "+export_mvs"}
        context.thread_count = 1
        needed = set(wanted.tolist())
        last = int(index.ordinal[wanted].max())
        first = int(index.keys[max(0, int(index.group[index.ordinal[wanted]].min()))])
        held: dict[int, MotionVectors] = {}
        order = iter(wanted.tolist())
        expected = next(order)
        for picture in _decoded(context, container, stream, first, last):
            frame = int(index.frame_of[picture.pts])
            if frame in needed:
                held[frame] = _vectors(picture, frame, float(index.time[frame]), orientation or Orientation())
            while expected in held:
                yield held.pop(expected)
                expected = next(order, -1)
        for frame in sorted(held):
            yield held[frame]


def _decoded(context: Any, container: Any, stream: Any, first: int, last: int) -> Iterator[Any]:
    for number, packet in enumerate(packets(container, stream)):
        if number > last:
            break
        if number < first or packet.size == 0:
            continue
        number_packet(packet, number)
        yield from _attempt(context, packet)
    yield from _attempt(context, None)


def _attempt(context: Any, packet: Any) -> list[Any]:
    try:
        return list(context.decode(packet))
    except av.FFmpegError:
        return []


def _vectors(picture: Any, frame: int, time: float, orientation: Orientation) -> MotionVectors:
    data = next((item for item in picture.side_data if item.type.name == "MOTION_VECTORS"), None)
    rows = data.to_ndarray() if data is not None else np.zeros(0, _EMPTY)
    at = np.stack((rows["dst_x"], rows["dst_y"]), axis=1).astype(np.float32)
    scale = np.maximum(rows["motion_scale"], 1).astype(np.float32)[:, None]
    motion = np.stack((rows["motion_x"], rows["motion_y"]), axis=1).astype(np.float32) / scale
    size = np.stack((rows["w"], rows["h"]), axis=1).astype(np.int64)
    shape = picture.width, picture.height
    shown = orientation.points(at, *shape)
    return MotionVectors(
        index=frame,
        time=time,
        position=shown,
        motion=orientation.points(at + motion, *shape) - shown,
        size=size[:, ::-1] if orientation.transpose else size,
        source=rows["source"].astype(np.int32),
    )


_EMPTY = [(n, np.int32) for n in ("source", "w", "h", "dst_x", "dst_y", "motion_x", "motion_y", "motion_scale")]
