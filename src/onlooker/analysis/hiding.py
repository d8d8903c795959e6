"""Faces or whole people made unrecognisable before anything is written.

What is hidden is what was found: the boxes of tracks (and of detections that became no track), for half a second before
a track begins, after it ends and inside its gaps; with `faces` also whatever the bundled frontal-face cascade sees in
the picture or in one shortly before or after it. Nobody finds every face, so this is a help and no guarantee.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.analysis.people import BOX
from onlooker.methods.detection.embedded_people.cascades import find_parts, load_cascade
from onlooker.video import Video

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]
HEAD = 0.26  # part of a standing person's box, from the top, that holds the head with some margin
ABOVE = 0.08  # of the box's height
LINGER_SECONDS = 0.5
LINGER_GROWTH = 0.15  # of the box's height, on each side, where the person has no box of that very frame
BLOCKS = 4  # squares along the longer side of what is hidden: too few for a face or a gait
MARGIN = 0.08  # of the hidden area's size, on each side
CASCADE_SIDE = 540  # short side of the picture in which faces are looked for
SMALLEST_FACE = 24  # pixels of that picture: the cascade's own window
NEIGHBOURS = 3
LOOK_SECONDS = 0.2  # between the frames in which faces are looked for
FACE_SECONDS = 0.6  # how long before and after such a frame a face stays hidden: the cascade loses faces all the time
FACE_GROWTH = 0.3  # of its size, on each side, at the far end of that time
READ_AT_ONCE = 4


class Curtain:
    """Knows what to hide on each frame of a run. `what`: none, faces or people.

    Faces are hidden twice: the head part of each person's box, and where the cascade fires anywhere in the picture.
    What is hidden on a frame depends on that frame's neighbourhood alone, not on which frames were asked for before.
    """

    def __init__(self, tracks: pa.Table, what: str, detections: pa.Table | None = None) -> None:
        self._what = what
        self._faces: dict[int, Boxes] = {}
        self._reach = 1
        if what == "none":
            return
        frames, boxes = _table_boxes(tracks)
        parts = [(frames, boxes), _lingering(tracks, frames, boxes)]
        if detections is not None:
            parts.append(_table_boxes(detections))
        all_frames = np.concatenate([part for part, _ in parts])
        order = np.argsort(all_frames, kind="stable")
        self._frames = all_frames[order]
        self._boxes = np.concatenate([part for _, part in parts])[order]
        self._cascade = load_cascade("frontalface_default") if what == "faces" else None

    def look_out(self, video: Video, frames: Iterable[int]) -> None:
        """Find the faces that matter for these frames; needed before `hide` so that faces stay hidden in between."""
        if self._what != "faces" or self._cascade is None:
            return
        rate = video.info.average_rate
        step, self._reach = max(1, round(LOOK_SECONDS * rate)), max(1, round(FACE_SECONDS * rate))
        wanted = _multiples_near(frames, step, self._reach, len(video))
        self._faces = {index: self._faces[index] for index in wanted if index in self._faces}
        missing = [index for index in wanted if index not in self._faces]
        scale = min(1.0, CASCADE_SIDE / min(video.info.width, video.info.height))
        for at in range(0, len(missing), READ_AT_ONCE):
            clip = video.read(missing[at : at + READ_AT_ONCE], size=CASCADE_SIDE if scale < 1 else None)
            for index, image in zip(clip.indices.tolist(), clip.images, strict=True):
                self._faces[index] = find_faces(image, self._cascade) / np.float32(scale)

    def hide(self, image: Image, frame: int) -> None:
        """Hide in place."""
        if self._what == "none":
            return
        first, last = np.searchsorted(self._frames, [frame, frame + 1])
        areas = self._boxes[first:last]
        if self._cascade is not None:
            # looked for before anything is covered
            areas = np.concatenate([heads_of(areas), self._faces_at(image, frame, self._cascade)])
        for area in areas:
            pixelate(image, area)

    def _faces_at(self, image: Image, frame: int, cascade: cv2.CascadeClassifier) -> Boxes:
        near = {index: faces for index, faces in self._faces.items() if abs(index - frame) <= self._reach}
        if not near:
            return find_faces(image, cascade)
        return np.concatenate([_grown(f, FACE_GROWTH * abs(i - frame) / self._reach) for i, f in near.items()])


def find_faces(image: Image, cascade: cv2.CascadeClassifier) -> Boxes:
    """Frontal faces anywhere in the picture, as boxes `(n, 4)`."""
    scale = min(1.0, CASCADE_SIDE / min(image.shape[:2]))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    return find_parts(cascade, np.asarray(small, np.uint8), scale, SMALLEST_FACE, NEIGHBOURS).boxes.astype(np.float32)


def _multiples_near(frames: Iterable[int], step: int, reach: int, count: int) -> list[int]:
    """The multiples of `step` below `count` that lie within `reach` of one of the frames."""
    found: set[int] = set()
    for frame in frames:
        found.update(range(max(0, -(-(frame - reach) // step)) * step, min(frame + reach + 1, count), step))
    return sorted(found)


def _grown(boxes: Boxes, part: float) -> Boxes:
    """Boxes that reach further by a part of their height on each side."""
    growth = part * (boxes[:, 3:] - boxes[:, 1:2])
    return np.asarray(boxes + growth * np.array([-1, -1, 1, 1], np.float32), np.float32)


def heads_of(boxes: Boxes) -> Boxes:
    """Where the heads are in people's boxes `(n, 4)`: the top, more of it when the box is too wide for a whole body.

    A box often begins below the top of the head, so the area reaches above it.
    """
    heads = boxes.copy()
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    close_view = height < 1.5 * width
    heads[:, 1] = boxes[:, 1] - ABOVE * height
    heads[:, 3] = boxes[:, 1] + np.where(close_view, np.minimum(height, HEAD * height + 0.5 * width), HEAD * height)
    return heads


def pixelate(image: Image, area: NDArray[np.float32]) -> None:
    """Replace an area (xyxy) by a few squares of its mean colours, in place."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in area)
    grow_x, grow_y = MARGIN * (x2 - x1) + 2, MARGIN * (y2 - y1) + 2
    left, top = max(0, int(x1 - grow_x)), max(0, int(y1 - grow_y))
    right, low = min(width, int(x2 + grow_x) + 1), min(height, int(y2 + grow_y) + 1)
    if right - left < 2 or low - top < 2:
        return
    size = np.array([right - left, low - top])
    across, down = np.maximum(1, np.round(BLOCKS * size / size.max())).astype(int).tolist()
    squares = cv2.resize(image[top:low, left:right], (across, down), interpolation=cv2.INTER_AREA)
    image[top:low, left:right] = cv2.resize(squares, (right - left, low - top), interpolation=cv2.INTER_NEAREST)


def _table_boxes(table: pa.Table) -> tuple[NDArray[np.int64], Boxes]:
    return table["frame"].to_numpy(), np.stack([table[name].to_numpy() for name in BOX], 1)


def _lingering(tracks: pa.Table, frames: NDArray[np.int64], boxes: Boxes) -> tuple[NDArray[np.int64], Boxes]:
    """Boxes for frames in which a person is likely still there but has none: around a track's ends and in its gaps."""
    ids, times = tracks["track_id"].to_numpy(), tracks["time"].to_numpy()
    order = np.lexsort((frames, ids))
    ids, frames, times, boxes = ids[order], frames[order], times[order], boxes[order]
    reach = _frames_in(LINGER_SECONDS, frames, times)
    apart = (np.diff(ids) != 0) | (np.diff(frames) > 1)
    edge = np.ones(len(ids), bool)
    begins, ends = edge.copy(), edge.copy()
    begins[1:], ends[:-1] = apart, apart
    steps = np.arange(1, reach + 1)
    before = (frames[begins][:, None] - steps).ravel()
    after = (frames[ends][:, None] + steps).ravel()
    around = np.concatenate([np.repeat(boxes[begins], reach, 0), np.repeat(boxes[ends], reach, 0)])
    return np.concatenate([before, after]), _grown(around, LINGER_GROWTH)


def _frames_in(seconds: float, frames: NDArray[np.int64], times: NDArray[np.float64]) -> int:
    span = float(np.ptp(times)) if len(times) else 0.0
    rate = float(np.ptp(frames)) / span if span > 0 else 30.0
    return int(np.clip(np.ceil(seconds * rate), 1, 120))
