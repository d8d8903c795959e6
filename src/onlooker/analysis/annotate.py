"""annotated.mp4: the video with boxes, ids and trails, written in parts so that a killed run goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onlooker.analysis.drawing import draw_box, draw_trail, hide
from onlooker.errors import MediaError
from onlooker.video import Video
from onlooker.video.writer import VideoWriter, concatenate

PART_FRAMES = 512
TRAIL_SECONDS = 2.0
PARTS = ".parts"
READ_AT_ONCE = 16


class Overlay:
    """What to draw on each frame, looked up in the tables of a finished analysis."""

    def __init__(self, tracks: pa.Table, segments: pa.Table) -> None:
        order = pc.sort_indices(tracks, [("frame", "ascending"), ("track_id", "ascending")])
        rows = tracks.take(order)
        self._frames = rows["frame"].to_numpy()
        self._times = rows["time"].to_numpy()
        self._ids = rows["track_id"].to_numpy()
        self._boxes = np.stack([rows[name].to_numpy() for name in ("x1", "y1", "x2", "y2")], 1)
        self._observed = rows["observed"].to_numpy(zero_copy_only=False)
        self._doing = _spans(segments)

    def draw(self, image: np.ndarray, frame: int, time: float, blur: str) -> np.ndarray:
        """A copy of the frame with everything drawn."""
        image = np.ascontiguousarray(image).copy()
        first, last = np.searchsorted(self._frames, [frame, frame + 1])
        if blur != "none":
            hide(image, self._boxes[first:last], blur)
        recent = slice(int(np.searchsorted(self._times, time - TRAIL_SECONDS)), int(last))
        for row in range(first, last):
            track = int(self._ids[row])
            mine = self._ids[recent] == track
            boxes = self._boxes[recent][mine]
            draw_trail(image, np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], 1), track)
        for row in range(first, last):
            track = int(self._ids[row])
            caption = " ".join([str(track), *self._doing_at(track, time)])
            draw_box(image, self._boxes[row], track, caption, observed=bool(self._observed[row]))
        return image

    def _doing_at(self, track: int, time: float) -> list[str]:
        return [label for start, end, label in self._doing.get(track, []) if start <= time < end][:2]


def _spans(segments: pa.Table) -> dict[int, list[tuple[float, float, str]]]:
    spans: dict[int, list[tuple[float, float, str]]] = {}
    for row in segments.to_pylist():
        if row["track_id"] is not None:
            spans.setdefault(row["track_id"], []).append((row["start"], row["end"], row["label"]))
    return spans


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
    with VideoWriter(path, info.width, info.height, rate=info.average_rate, origin=origin) as writer:
        for start in frames[::READ_AT_ONCE]:
            clip = video.read(range(start, min(start + READ_AT_ONCE, frames.stop)))
            for image, index, time in zip(clip.images, clip.indices, clip.times, strict=True):
                writer.write(overlay.draw(image, int(index), float(time), blur), float(time))
