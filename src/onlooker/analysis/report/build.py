"""Gathers what a run holds and renders report.html."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from onlooker.analysis.people import Person, collect_people
from onlooker.analysis.report import plots
from onlooker.analysis.report.pictures import SCENE_WIDTH, SHOT_WIDTH, Album
from onlooker.records import Run
from onlooker.records.storage import atomic_write
from onlooker.video import Video

MOST_PEOPLE = 200
MOST_SHOTS = 60
MOST_EVENTS = 500
MOST_BOXES = 60_000


def write_report(run: Run, video: Video, *, blur: str) -> Path:
    """Write `report.html` into the run folder. The player shows annotated.mp4 when the run has one."""
    everyone = collect_people(run.tracks, run.segments)
    people = sorted(everyone, key=lambda p: -p.seconds)[:MOST_PEOPLE]
    people.sort(key=lambda p: (p.times[0], p.track_id))
    album = Album(video, everyone, blur)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("onlooker.analysis.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    html = environment.get_template("report.html").render(_content(run, video, everyone, people, album))
    path = run.folder / "report.html"
    atomic_write(path, html.encode())
    return path


def _content(run: Run, video: Video, everyone: list[Person], people: list[Person], album: Album) -> dict[str, Any]:
    info = video.info
    start, end = _span(run)
    scene = album.frames([len(video) // 2], SCENE_WIDTH)
    background = next(iter(scene.values()), None)
    plot, busiest = plots.occupancy(everyone, start, end)
    sound = run.sound
    loudness = (
        plots.loudness(sound["start"].to_numpy(), sound["rms"].to_numpy(), start, end) if sound.num_rows else None
    )
    portraits = album.people(people)
    return {
        "name": run.video,
        "info": info,
        "start": start,
        "end": end,
        "video_file": "annotated.mp4" if (run.folder / "annotated.mp4").exists() else None,
        "people": [_person(p, portraits.get(p.track_id), start, end) for p in people],
        "people_total": len(everyone),
        "busiest": busiest,
        "occupancy": plot,
        "loudness": loudness,
        "paths": plots.paths(everyone, info.width, info.height, background) if everyone else None,
        "shots": _shots(run, album, start, end),
        "shots_total": run.shots.num_rows,
        "events": _events(run),
        "events_total": run.events.num_rows,
        "bad": [row for row in run.segments.to_pylist() if row["track_id"] is None],
        "manifest": run.manifest,
        "timings": run.timings,
        "player": json.dumps(_player(people, info.width, info.height, start)).replace("<", "\\u003c"),
        "clock": clock,
    }


def clock(seconds: float) -> str:
    """Seconds as `m:ss` or `h:mm:ss`.

    >>> clock(75.4), clock(3723)
    ('1:15', '1:02:03')
    """
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _span(run: Run) -> tuple[float, float]:
    facts = run.manifest.facts
    return float(facts["start"]), float(facts["end"])


def _person(person: Person, portrait: str | None, start: float, end: float) -> dict[str, Any]:
    def place(a: float, b: float) -> str:
        length = max(end - start, 1e-9)
        return f"left:{100 * (a - start) / length:.3f}%;width:{max(100 * (b - a) / length, 0.15):.3f}%"

    return {
        "id": person.track_id,
        "color": plots.css_color(person.track_id),
        "portrait": portrait,
        "first": float(person.times[0]),
        "seconds": person.seconds,
        "visits": [(a, b, place(a, b)) for a, b in person.visits],
        "activities": [(a, b, label, place(a, b)) for a, b, label in person.activities],
        "summary": _summary(person),
    }


def _summary(person: Person) -> str:
    """The activities by time spent, longest first."""
    spent: dict[str, float] = {}
    for start, end, label in person.activities:
        spent[label] = spent.get(label, 0.0) + end - start
    longest = sorted(spent.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {seconds:.0f} s" for label, seconds in longest[:4])


def _shots(run: Run, album: Album, start: float, end: float) -> list[dict[str, Any]]:
    rows = run.shots.to_pylist()
    step = max(1, -(-len(rows) // MOST_SHOTS))
    rows = rows[::step]
    middles = {row["shot"]: (row["start_frame"] + row["end_frame"]) // 2 for row in rows}
    pictures = album.frames(list(middles.values()), SHOT_WIDTH)
    return [{**row, "picture": pictures.get(middles[row["shot"]])} for row in rows]


def _events(run: Run) -> list[dict[str, Any]]:
    """The latest version of each event that still stands, in time order."""
    latest: dict[str, dict[str, Any]] = {}
    for row in run.events.to_pylist():
        if row["event_id"] not in latest or row["version"] > latest[row["event_id"]]["version"]:
            latest[row["event_id"]] = row
    standing = [row for row in latest.values() if row["state"] != "retracted"]
    standing.sort(key=lambda row: (row["start"], row["event_id"]))
    for row in standing:
        row["who"] = [p["track_id"] for p in json.loads(row["participants"])]
    return standing[:MOST_EVENTS]


def _player(people: list[Person], width: int, height: int, start: float) -> dict[str, Any]:
    """Boxes for the overlay, thinned so that a long video stays a small page; the page interpolates between them."""
    total = sum(len(p.times) for p in people)
    step = max(1, -(-total // MOST_BOXES), 2 if total > 4000 else 1)
    tracks = []
    for person in people:
        rows = np.unique(np.append(np.arange(0, len(person.times), step), len(person.times) - 1))
        tracks.append(
            {
                "id": person.track_id,
                "color": plots.css_color(person.track_id),
                "times": [round(float(t) - start, 3) for t in person.times[rows]],
                "boxes": [[round(float(v)) for v in box] for box in person.boxes[rows]],
            }
        )
    return {"width": width, "height": height, "start": start, "tracks": tracks}
