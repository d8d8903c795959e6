"""What a generated file shows: the number and the time of every frame, and which frames damage may have touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from onlooker.video.conformance.encode import Recipe

TRANSPORT_PACKET = 188


@dataclass(frozen=True)
class Truth:
    """Frames in presentation order; `times` in seconds, counted from the first displayed frame.

    `sound[i]` is false where damage may show: there a reader may repair, repeat or leave out the frame if it says so.
    `readable` is false for files that nothing can be read from: a reader must refuse them. `displayed` is the size
    `(width, height)` of the first frame as shown.
    """

    numbers: tuple[int, ...]
    times: tuple[float, ...]
    displayed: tuple[int, int]
    sound: tuple[bool, ...] = ()
    readable: bool = True

    @property
    def damaged(self) -> bool:
        """Whether a frame or the whole file is spoilt."""
        return not self.readable or not all(self.sound)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(value: dict[str, Any]) -> Truth:
        return Truth(
            numbers=tuple(value["numbers"]),
            times=tuple(value["times"]),
            displayed=(value["displayed"][0], value["displayed"][1]),
            sound=tuple(value["sound"]),
            readable=value["readable"],
        )


Maker = Callable[[Path, np.random.Generator], Truth]


@dataclass(frozen=True)
class Case:
    """One generated file: `rows` are the rows of the fault list that it stands for."""

    name: str
    suffix: str
    what: str
    make: Maker
    rows: tuple[int, ...] = ()


def truth_of(recipe: Recipe) -> Truth:
    """The truth of a file that shows every frame of its recipe."""
    size = (recipe.width, recipe.height)
    if recipe.rotation % 180:
        size = size[::-1]
    return Truth(recipe.numbers, recipe.times(), size, (True,) * recipe.frames)


def renumbered(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """The recipe with numbers that a reader cannot guess (small pictures keep theirs)."""
    if recipe.width < 24 or recipe.height < 16:
        return recipe
    return recipe.with_(first=int(rng.integers(1, 50_000)))


@dataclass(frozen=True)
class PacketPlace:
    """One video packet in file order: presentation time in stream ticks, the bytes `[start, end)`, and its data."""

    pts: int | None
    key: bool
    start: int
    end: int
    data: bytes


def packet_places(path: Path) -> list[PacketPlace]:
    """Where the packets of the first video stream lie.

    In MPEG-TS a packet lies between the transport packets of its neighbours; elsewhere its bytes are found as they are.
    """
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        spread = container.format.name == "mpegts"
        rows = [(p.pts, bool(p.is_keyframe), int(p.pos), bytes(p)) for p in packets]
    content = path.read_bytes()
    following = [row[2] for row in rows[1:]] + [len(content)]
    places = []
    for (pts, key, start, data), after in zip(rows, following, strict=True):
        if not spread:
            start = content.index(data, start)
            after = start + len(data)
        places.append(PacketPlace(pts, key, start, after, data))
    return places


def payload(content: bytes, place: PacketPlace) -> NDArray[np.int64]:
    """Offsets in the file of the later two thirds of a packet's own bytes: no header of container or slice is there."""
    offsets = np.arange(place.start, place.end, dtype=np.int64)
    if place.end - place.start != len(place.data):
        offsets = np.array([at for at in offsets if _is_transport_payload(content, int(at))], np.int64)
    return offsets[len(offsets) // 3 :]


def _is_transport_payload(content: bytes, at: int) -> bool:
    """Whether a byte of an MPEG-TS file is payload (ISO 13818-1 2.4.3): not header, not adaptation field."""
    packet = at - at % TRANSPORT_PACKET
    header = 4 + (1 + content[packet + 4] if content[packet + 3] & 0x20 else 0)
    return at - packet >= header
