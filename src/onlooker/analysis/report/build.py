"""Gathers what a run holds and renders report.html."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np

from onlooker.analysis.hiding import Curtain
from onlooker.analysis.people import Person, collect_people, most_at_once
from onlooker.analysis.report import plots, timeline
from onlooker.analysis.report.clock import clock, time_ticks
from onlooker.analysis.report.colors import chip_style
from onlooker.analysis.report.keyframes import KeyFrame, choose_key_frames
from onlooker.analysis.report.moments import collect_moments
from onlooker.analysis.report.overlay import frame_clock, pack_people
from onlooker.analysis.report.pictures import SCENE_WIDTH, Album
from onlooker.records import Run
from onlooker.storage import atomic_write
from onlooker.video import Video

MOST_PEOPLE = 200
MOST_TRACKED = 3000
MOST_BAD = 100
MOST_SCENES = 4
ANNOTATED = "annotated.mp4"
PLAYED = {"h264": {"mp4", "mov"}, "vp9": {"webm", "matroska"}, "av1": {"mp4", "webm"}}


def write_report(run: Run, video: Video | None, *, blur: str) -> Path:
    """Write `report.html` into the folder of a complete run. `blur` (none, faces, people) holds for its pictures.

    `video` is None where nothing was recorded (a live source): then there are timelines, plots and events, no pictures.
    The player shows annotated.mp4; without one the original, when it lies beside the run folder, a browser can play it
    and nobody is to be hidden. Errors: StorageError, MediaError.
    """
    path = run.folder / "report.html"
    atomic_write(path, environment().get_template("report.html").render(_content(run, video, blur)).encode())
    return path


@cache
def environment() -> jinja2.Environment:
    """The templates; every value is escaped unless it is marked as markup."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("onlooker.analysis.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.globals.update(clock=clock, chip=chip_style)
    return found


def _content(run: Run, video: Video | None, blur: str) -> dict[str, Any]:
    facts = run.manifest.facts
    start, end = float(facts["start"]), float(facts["end"])
    everyone = collect_people(run.tracks, run.segments)
    people = _longest(everyone, MOST_PEOPLE)
    moments, kinds = collect_moments(run, everyone)
    bad = timeline.bad_stretches(run)
    movie = _movie(run, video, blur) if video else None
    timeline_rows = timeline.rows_of(people, start, end)
    stretch = _stretch(video) if video else 1.0
    pictures = _pictures(run, video, blur, everyone, people) if video else _Pictures({}, [], [((start, end), None)])
    size = _size(run, video)
    drawn = [(span, plots.paths(everyone, size, stretch, picture, span)) for span, picture in pictures.scenes]
    return {
        "name": run.video,
        "info": video.info if video else None,
        "size": size,
        "start": start,
        "length": end - start,
        "movie": movie,
        "stretch": stretch,
        "people": [(row, pictures.portraits.get(row.person.track_id)) for row in timeline_rows],
        "people_total": len(everyone),
        "busiest": most_at_once(everyone),
        "labels": _labels(people),
        "named": any(row.actions for row in timeline_rows),
        "lanes": _lanes(run, bad, start, end),
        "ticks": time_ticks(end - start),
        "occupancy": plots.occupancy(everyone, start, end) if everyone else None,
        "sound": _sound(run, start, end) if video else "The sound of live sources is not analysed.",
        "scenes": [(span, plot) for span, plot in drawn if plot is not None],
        "keys": pictures.keys,
        "shots_total": run.shots.num_rows,
        "moments": moments,
        "kinds": kinds,
        "bad": bad[:MOST_BAD],
        "bad_total": len(bad),
        "bad_seconds": sum(b - a for a, b, _ in timeline.joined([(a, b, "") for a, b, _ in bad], 0.0)),
        "bad_labels": sorted({label for _, _, label in bad}),
        "manifest": run.manifest,
        "seconds": run.timings.get("seconds"),
        "stages": run.timings.get("stages", {}),
        "data": _embed(_player(run, video, everyone, movie)),
    }


@dataclass(frozen=True)
class _Pictures:
    """Pictures as data URIs: per person, per key frame, and of the place during each span of time."""

    portraits: dict[int, str]
    keys: list[tuple[KeyFrame, str | None]]
    scenes: list[tuple[tuple[float, float], str | None]]


def _pictures(run: Run, video: Video, blur: str, everyone: Sequence[Person], people: Sequence[Person]) -> _Pictures:
    album = Album(video, Curtain(run.tracks, blur, run.detections if blur != "none" else None))
    portraits = album.people(people)
    keys = choose_key_frames(run, video, everyone)
    key_pictures = album.frames(key.index for key in keys)
    scenes = _choose_scenes(run, video, everyone, album)
    scene_pictures = album.frames((index for index, _ in scenes), SCENE_WIDTH)
    album.develop()
    return _Pictures(
        portraits,
        [(key, key_pictures.get(key.index)) for key in keys],
        [(span, scene_pictures.get(index)) for index, span in scenes],
    )


def _longest(everyone: Sequence[Person], most: int) -> list[Person]:
    """Those seen longest, in order of appearance."""
    longest = sorted(everyone, key=lambda p: -p.seconds)[:most]
    return sorted(longest, key=lambda p: (p.times[0], p.track_id))


def _labels(people: Sequence[Person]) -> list[str]:
    found = {label for person in people for _, _, label in person.activities}
    return [name for name in (*timeline.ACTIVITIES, timeline.COMPANY) if name in found]


def _lanes(run: Run, bad: Sequence[timeline.Span], start: float, end: float) -> list[tuple[str, list[timeline.Strip]]]:
    lanes = [
        ("shots", timeline.shots_lane(run, start, end)),
        ("bad", timeline.bad_lane(bad, start, end)),
        ("actions", timeline.actions_lane(run, start, end)),
    ]
    return [(name, strips) for name, strips in lanes if strips]


def _sound(run: Run, start: float, end: float) -> plots.Plot | str:
    """The plot, or why there is none."""
    sound = run.sound
    if not sound.num_rows:
        return "The video has no sound."
    drawn = plots.loudness(sound["start"].to_numpy(), sound["rms"].to_numpy(), start, end)
    return drawn or "The sound track is silent."


def _choose_scenes(
    run: Run, video: Video, everyone: Sequence[Person], album: Album
) -> list[tuple[int, tuple[float, float]]]:
    """The shots in which people were seen longest: (a frame that shows the place, the time of the shot)."""
    spent = []
    for shot in run.shots.to_pylist():
        a, b = shot["start"], shot["end"]
        seen = sum(max(0.0, min(b, last) - max(a, first)) for p in everyone for first, last in p.visits)
        if seen > 0:
            spent.append((seen, shot))
    best = sorted(spent, key=lambda item: -item[0])[:MOST_SCENES]
    found = []
    for _, shot in sorted(best, key=lambda item: item[1]["start"]):
        first, stop = shot["start_frame"], min(shot["end_frame"], len(video))
        candidates = [first + (stop - first) * k // 8 for k in (4, 2, 6, 1, 7)]
        found.append((album.liveliest(candidates), (shot["start"], shot["end"])))
    return found


def _stretch(video: Video) -> float:
    """Width of a pixel relative to its height, 1 where the file's claim makes no sense."""
    aspect = float(video.info.sample_aspect or 1)
    return aspect if 0.1 < aspect < 10 else 1.0


def _movie(run: Run, video: Video, blur: str) -> dict[str, Any] | None:
    """What the player plays: address, size in pixels, whether boxes are in the picture, where its time begins."""
    info = video.info
    if (run.folder / ANNOTATED).exists():
        # the encoder pads odd sizes by a row and a column
        size = info.width + info.width % 2, info.height + info.height % 2
        return {"src": ANNOTATED, "size": size, "burnt": True, "offset": 0.0}
    original = run.video_path
    if original is None or blur != "none" or original.resolve().parent != run.folder.resolve().parent:
        return None
    formats = PLAYED.get(info.codec, set())
    starts_at_zero = len(video.index.time) > 0 and abs(float(video.index.time[0])) < 0.001
    if not formats & set(info.container.split(",")) or not starts_at_zero:
        return None
    source = quote(os.path.relpath(original, run.folder).replace(os.sep, "/"))
    start = float(run.manifest.facts["start"])
    return {"src": source, "size": (info.width, info.height), "burnt": False, "offset": start}


def _player(run: Run, video: Video | None, everyone: Sequence[Person], movie: dict[str, Any] | None) -> dict[str, Any]:
    facts = run.manifest.facts
    start, end, frames = float(facts["start"]), float(facts["end"]), int(facts["frames"])
    if video is None:  # marks on the timelines are all there is to move
        times, first = np.linspace(start, end, frames, endpoint=False), 0
    else:
        first = int(np.searchsorted(video.index.time, start - 1e-6))
        times = video.index.time[first : first + frames]
    return {
        "size": movie["size"] if movie else _size(run, video),
        "burnt": bool(movie and movie["burnt"]),
        "offset": movie["offset"] if movie else 0.0,
        "length": round(end - start, 6),
        "clock": frame_clock(times, end),
        "tracks": pack_people(_longest(everyone, MOST_TRACKED), first) if video else [],
    }


def _size(run: Run, video: Video | None) -> tuple[int, int]:
    if video:
        return video.info.width, video.info.height
    width, height = run.manifest.facts["size"]
    return int(width), int(height)


def _embed(value: Any) -> str:
    """JSON that can stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
