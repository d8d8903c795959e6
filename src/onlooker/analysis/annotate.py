"""annotated.mp4: the video with boxes, ids and trails, written in parts so that a killed run goes on where it was."""

from __future__ import annotations

import shutil
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from onlooker.analysis.drawing import draw_box, draw_captions, draw_trail
from onlooker.analysis.hiding import Curtain
from onlooker.analysis.people import BOX, activities_of, feet_of, runs_of
from onlooker.errors import MediaError
from onlooker.video import Video
from onlooker.video.writer import VideoWriter, concatenate

Image = NDArray[np.uint8]
Doing = tuple[float, float, str]
PART_FRAMES = 512
TRAIL_SECONDS = 2.0
PARTS = ".parts"
READ_AT_ONCE = 16
COMPANY = "together"  # holds beside what somebody does, so it is not in the caption
POSTURES = ("standing", "walking", "running")  # give way to what a classifier says that somebody does
LOOK_BACK = 8  # spans that may have begun later than one that still holds


class Overlay:
    """What to draw on each frame, looked up in the tables of a finished analysis; work per frame is per box in it.

    `detections` are hidden as well when something is to be hidden: people whom the tracker did not believe in.
    """

    def __init__(self, tracks: pa.Table, segments: pa.Table, detections: pa.Table | None = None) -> None:
        rows = tracks.take(pc.sort_indices(tracks, [("track_id", "ascending"), ("frame", "ascending")]))
        self._tables = tracks, detections
        self._times = rows["time"].to_numpy()
        self._ids = rows["track_id"].to_numpy()
        self._boxes = np.stack([rows[name].to_numpy() for name in BOX], 1)
        self._feet = feet_of(self._boxes)
        self._observed = pc.fill_null(rows["observed"], True).to_numpy(zero_copy_only=False)
        self._first_rows = {track: first for track, first, _ in runs_of(self._ids)}
        frames = rows["frame"].to_numpy()
        self._by_frame = np.argsort(frames, kind="stable")
        self._frames = frames[self._by_frame]
        self._postures: dict[int, list[Doing]] = {}
        self._actions: dict[int, list[Doing]] = {}
        for track, spans in activities_of(segments).items():
            self._postures[track] = [span for span in spans if span[2] in POSTURES]
            self._actions[track] = [span for span in spans if span[2] not in (*POSTURES, COMPANY)]
        self._curtains: dict[str, Curtain] = {}

    def look_out(self, video: Video, frames: range, blur: str) -> None:
        """Find the faces around these frames, where faces are to be hidden; to be called before they are drawn."""
        self._curtain(blur).look_out(video, frames)

    def draw(self, image: Image, frame: int, time: float, blur: str) -> Image:
        """A copy of the frame with everything drawn."""
        image = np.ascontiguousarray(image).copy()
        self._curtain(blur).hide(image, frame)
        first, last = np.searchsorted(self._frames, [frame, frame + 1])
        rows = self._by_frame[first:last].tolist()
        ids = self._ids[rows].tolist()
        for row, track in zip(rows, ids, strict=True):
            begin = self._first_rows[track]
            begin += int(np.searchsorted(self._times[begin : row + 1], time - TRAIL_SECONDS))
            draw_trail(image, self._feet[begin : row + 1], track)
        boxes = self._boxes[rows].tolist()
        for row, track, box in zip(rows, ids, boxes, strict=True):
            draw_box(image, box, track, observed=bool(self._observed[row]))
        draw_captions(image, boxes, ids, [self._doing_at(track, time) for track in ids])
        return image

    def _curtain(self, blur: str) -> Curtain:
        if blur not in self._curtains:
            tracks, detections = self._tables
            self._curtains[blur] = Curtain(tracks, blur, detections)
        return self._curtains[blur]

    def _doing_at(self, track: int, time: float) -> str:
        return _holding(self._actions.get(track, []), time) or _holding(self._postures.get(track, []), time)


def _holding(spans: Sequence[Doing], time: float) -> str:
    """What holds at a time, of several what began last; nothing: an empty text."""
    after = bisect_right(spans, time, key=lambda span: span[0])
    return next((span[2] for span in reversed(spans[max(0, after - LOOK_BACK) : after]) if time < span[1]), "")


def write_annotated(
    video: Video,
    source: str,
    overlay: Overlay,
    folder: Path,
    *,
    frames: range,
    blur: str,
    progress: Callable[[int], None],
) -> str | None:
    """Draw `frames` of the video and write `folder/annotated.mp4` with the sound of `source`.

    Returns why the sound ends early, or None. Parts that an earlier, killed run finished are kept; the result has the
    same bytes either way.
    """
    target, parts = folder / "annotated.mp4", folder / PARTS
    if target.exists():
        return None
    parts.mkdir(exist_ok=True)
    paths = []
    for start in range(frames.start, max(frames.stop, frames.start + 1), PART_FRAMES):
        path = parts / f"{start:09d}.mp4"
        stop = min(start + PART_FRAMES, frames.stop)
        if not path.exists():
            _write_part(video, overlay, path, range(start, stop), frames.start, blur)
        paths.append(path)
        progress(stop - start)
    origin = float(video.index.time[frames.start])
    problem = None
    try:
        problem = concatenate(paths, target, sound_from=source if video.info.has_audio else None, origin=origin)
    except MediaError as error:
        problem = f"it has no sound: {error}"
        concatenate(paths, target, origin=origin)
    shutil.rmtree(parts)
    return problem


def _write_part(video: Video, overlay: Overlay, path: Path, frames: range, first: int, blur: str) -> None:
    info = video.info
    origin = float(video.index.time[first])
    overlay.look_out(video, frames, blur)
    with VideoWriter(path, info.width, info.height, rate=info.average_rate, origin=origin) as writer:
        for start in frames[::READ_AT_ONCE]:
            clip = video.read(range(start, min(start + READ_AT_ONCE, frames.stop)))
            for image, index, time in zip(clip.images, clip.indices, clip.times, strict=True):
                writer.write(overlay.draw(image, int(index), float(time), blur), float(time))
