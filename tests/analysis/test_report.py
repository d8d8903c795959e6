"""The report page: what is on it, what is not, and that a browser can use it from disk."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.analysis.annotate import Overlay, write_annotated
from onlooker.analysis.people import collect_people
from onlooker.analysis.report import plots, write_corpus_report, write_report
from onlooker.analysis.report.clock import count_ticks, time_ticks
from onlooker.analysis.report.moments import collect_moments
from onlooker.analysis.report.overlay import MOST_BOXES, frame_clock, pack_people, thin
from onlooker.analysis.report.timeline import MOST_SPANS, rows_of
from onlooker.records import SCHEMAS, Entry, Run, RunWriter
from onlooker.video import Clip, Video
from onlooker.video.sound import Sound
from onlooker.video.writer import VideoWriter

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def table(name, rows):
    return pa.Table.from_pylist([{"video": "v", "source": "test", **row} for row in rows], schema=SCHEMAS[name])


def track_rows(track, frames, times, boxes):
    return [
        {
            "track_id": track,
            "frame": int(frame),
            "time": float(times[frame]),
            **dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True)),
            "label": "person",
            "score": 0.9,
            "observed": True,
        }
        for frame, box in zip(frames, boxes, strict=True)
    ]


def event(kind, start, who, *, end=None, key=None, version=1, state="closed", direction=None):
    return {
        "event_id": key or f"{kind}-{start}-{who}",
        "version": version,
        "type": kind,
        "rule": "test",
        "state": state,
        "start": start,
        "end": end,
        "track_id": who[0] if who else None,
        "participants": json.dumps([{"role": "person", "track_id": track} for track in who]),
        "direction": direction,
    }


def write_film(path, *, count=40, size=(160, 120), times=None, sound=False):
    """A smooth grey texture that stays: whatever is coloured was drawn later."""
    width, height = size
    noise = np.random.default_rng(1).integers(60, 140, (height, width), dtype=np.uint8)
    image = np.repeat(cv2.GaussianBlur(noise, (0, 0), 2)[..., None], 3, 2)
    tone = (0.1 * np.sin(np.arange(count * 800) * 0.2)).astype(np.float32)[:, None]
    heard = Sound(tone, 8000, 0.0, np.ones(len(tone), bool)) if sound else None
    with VideoWriter(path, width, height, rate=10, sound=heard) as writer:
        for k in range(count):
            writer.write(image, None if times is None else float(times[k]))
    return path


def make_run(
    film,
    folder,
    *,
    people=None,
    segments=(),
    events=(),
    sound=(),
    frames=None,
    annotated=True,
    blur="none",
    name=None,
    shots=None,
):
    """A complete run folder of hand-made tables, and its report. `people`: track id to (frames, boxes)."""
    name = name or film.name
    source = {"name": name, "bytes": None, "sha256": None, "path": str(film)}
    with Video(film) as video:
        chosen = frames or range(len(video))
        times, ends = video.index.time, video.index.time + video.index.duration
        start, end = float(times[chosen.start]), float(ends[chosen.stop - 1])
        rows = [row for track, (at, boxes) in (people or {}).items() for row in track_rows(track, at, times, boxes)]
        shot = {"shot": 0, "start_frame": chosen.start, "end_frame": chosen.stop, "start": start, "end": end}
        configuration = {"annotate": annotated, "blur": blur}
        with RunWriter.create_or_resume(folder, configuration=configuration, source=source) as writer:
            writer.append("tracks", table("tracks", rows))
            writer.append("segments", table("segments", segments))
            writer.append("events", table("events", events))
            writer.append("sound", table("sound", sound))
            writer.append("shots", table("shots", shots or [{**shot, "transition": "start"}]))
            writer.commit(0, {})
            if annotated:
                overlay = Overlay(table("tracks", rows), table("segments", segments))
                assert not write_annotated(
                    video, str(film), overlay, folder, frames=chosen, blur=blur, progress=lambda _: None
                )
            facts = {"start": start, "end": end, "frames": len(chosen), "rate": 10.0, "vfr": False, "rotation": 0}
            writer.manifest.facts = {**facts, "size": [video.info.width, video.info.height]}
            writer.finish(stages={"decode": 0.5})
        page = write_report(Run(folder), video, blur=blur)
    return page


def walker(frames, x0=20, step=2, y=30):
    frames = list(frames)
    return frames, [(x0 + step * k, y, x0 + 24 + step * k, y + 70) for k in range(len(frames))]


def data_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


class Page(HTMLParser):
    """Elements with their attributes, and the text outside scripts and styles."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self._skip = [], [], 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._skip += tag in ("script", "style")

    def handle_endtag(self, tag):
        self._skip -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._skip:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        return " ".join("".join(self.text).split())


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="module")
def walk(film, tmp_path_factory):
    """The report of two people, one of whom goes and comes back, with events of several kinds."""
    folder = tmp_path_factory.mktemp("walk") / "film.onlooker"
    doing = [
        {"track_id": 1, "start": 0.5, "end": 2.0, "label": "walking"},
        {"track_id": 1, "start": 0.5, "end": 1.5, "label": "together"},
        {"track_id": 2, "start": 0.0, "end": 1.0, "label": "running"},
        {"track_id": None, "start": 3.0, "end": 3.5, "label": "frozen", "source": "picture_quality/default@none"},
    ]
    events = [
        event("enter", 0.5, [1], direction="left"),
        event("together", 0.5, [1, 2], end=1.5),
        event("heading", 1.0, [1], end=2.0, direction="right"),
        event("leave", 2.0, [2], direction="right"),
    ]
    people = {1: walker(range(5, 30)), 2: ([*range(0, 10), *range(30, 40)], [(100, 20, 130, 100)] * 20)}
    sound = [{"start": k / 10, "end": (k + 1) / 10, "rms": -30.0 + k % 5, "peak": -20.0} for k in range(40)]
    return make_run(film, folder, people=people, segments=doing, events=events, sound=sound)


# ---- content


def test_the_page_names_nothing_outside_but_the_video_beside_it(walk):
    page = Page(walk)
    text = walk.read_text(encoding="utf-8")
    assert not re.findall(r"https?://(?!www\.w3\.org)", text)
    sources = [a[key] for _, a in page.elements for key in ("src", "href") if a.get(key)]
    assert {s for s in sources if not s.startswith(("data:", "#"))} == {"annotated.mp4"}
    assert "@import" not in text
    assert not re.search(r"url\((?!data:)", text)


def test_counts_and_events_are_said_in_words(walk):
    words = Page(walk).words
    assert "2 people at most 2 at once 1 shot 0:04 of 160×120 video" in words
    for sentence in (
        "comes in from the left",
        "together for 1 s",
        "heads right for 1 s",
        "leaves to the right",
        "runs",
    ):
        assert sentence in words
    assert "frozen for 0.5 s: see Quality" in words
    assert "× real time" in words


def test_minor_events_are_off_at_first(walk):
    pressed = {
        a["data-kind"]: a["aria-pressed"] for a in Page(walk).all("button") if "aria-pressed" in a and "data-kind" in a
    }
    assert pressed == {"enter": "true", "together": "true", "leave": "true", "running": "true", "heading": "false"}


def test_every_picture_has_a_text_and_every_button_a_name(walk):
    page = Page(walk)
    assert page.all("img")
    assert all(image.get("alt") for image in page.all("img"))
    parsed = walk.read_text(encoding="utf-8")
    for attributes, inner in re.findall(r"<button([^>]*)>(.*?)</button>", parsed, re.S):
        assert "aria-label=" in attributes or re.sub(r"<[^>]+>", "", inner).strip() or 'id="only"' in attributes


def test_timelines_place_visits_by_their_time(walk):
    visits = [a for a in Page(walk).all("button") if a.get("class") == "visit"]
    assert [(a["data-person"], a["data-seek"]) for a in visits] == [("2", "0.000"), ("2", "3.000"), ("1", "0.500")]
    assert visits[2]["style"] == "left:12.500%;width:62.500%"
    assert visits[2]["data-tip"] == "Person 1 in the picture: 0:00 to 0:03"


HOSTILE = "<script>alert(1)</script>\"'&amp;</script><img src=x onerror=alert(2)>"


def test_hostile_names_and_labels_stay_text(film, tmp_path):
    page = make_run(
        film,
        tmp_path / "film.onlooker",
        name=HOSTILE,
        people={1: walker(range(20))},
        segments=[{"track_id": 1, "start": 0.0, "end": 1.0, "label": HOSTILE}],
        events=[event(HOSTILE, 0.5, [1], direction=HOSTILE)],
    )
    parsed = Page(page)
    assert not [a for a in parsed.all("img") if not a["src"].startswith("data:")]
    assert not [a for _, a in parsed.elements if any(key.startswith("on") for key in a)]
    assert len(parsed.all("script")) == 2
    assert HOSTILE in "".join(parsed.text)
    assert data_of(page)["tracks"][0]["id"] == 1


def test_a_run_without_people_and_sound_says_so(film, tmp_path):
    words = Page(make_run(film, tmp_path / "film.onlooker")).words
    for sentence in ("Nobody was found", "Nobody was seen", "The video has no sound", "0 people", "decoded cleanly"):
        assert sentence in words


def test_silence_is_called_silence(film, tmp_path):
    quiet = [{"start": 0.0, "end": 4.0, "rms": -120.0, "peak": -120.0}]
    assert "The sound track is silent." in Page(make_run(film, tmp_path / "film.onlooker", sound=quiet)).words


def test_times_count_from_where_the_analysis_began(film, tmp_path):
    people = {1: walker(range(15, 30))}
    page = make_run(
        film, tmp_path / "film.onlooker", people=people, frames=range(12, 35), events=[event("enter", 1.5, [1])]
    )
    parsed = Page(page)
    assert "times count from 0:01 of the file" in parsed.words
    assert [a["data-seek"] for a in parsed.all("button") if a.get("class") == "visit"] == ["0.300"]
    data = data_of(page)
    assert data["tracks"][0]["parts"][0][0] == 3
    assert data["clock"] == {"count": 23, "step": pytest.approx(0.1)}
    assert data["length"] == pytest.approx(2.3)


# ---- the player


def test_an_odd_size_is_played_at_the_size_it_was_padded_to(tmp_path):
    film = write_film(tmp_path / "odd.mp4", size=(161, 121), count=10)
    assert data_of(make_run(film, tmp_path / "odd.onlooker", frames=range(10)))["size"] == [162, 122]


def test_without_annotated_video_the_original_beside_the_run_is_played(tmp_path):
    film = write_film(tmp_path / "a #1 %.mp4", count=20)
    page = make_run(film, tmp_path / "a.onlooker", annotated=False, people={1: walker(range(20))}, frames=range(5, 20))
    (video,) = Page(page).all("video")
    assert video["src"] == "../a%20%231%20%25.mp4"
    data = data_of(page)
    assert (data["burnt"], data["offset"]) == (False, pytest.approx(0.5))


def test_the_original_is_not_shown_when_somebody_is_to_be_hidden_or_it_lies_elsewhere(tmp_path):
    film = write_film(tmp_path / "film.mp4", count=20)
    hidden = make_run(film, tmp_path / "film.onlooker", annotated=False, blur="faces")
    elsewhere = make_run(film, tmp_path / "runs" / "film.onlooker", annotated=False)
    for page in (hidden, elsewhere):
        parsed = Page(page)
        assert not parsed.all("video")
        assert "no annotated video (it was made with --no-annotate)" in parsed.words


@pytest.mark.parametrize("blur", ["faces", "people"])
def test_no_picture_of_the_report_shows_what_is_hidden(tmp_path, blur):
    import base64

    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    film = tmp_path / "film.mp4"
    with VideoWriter(film, 160, 120, rate=10, quality=10) as writer:
        for _ in range(20):
            writer.write(noise)
    box = (40, 10, 90, 115)
    page = make_run(
        film, tmp_path / "film.onlooker", blur=blur, people={1: (list(range(20)), [box] * 20)}, annotated=False
    )
    pictures = [a["src"] for a in Page(page).all("img") if a["src"].startswith("data:image/jpeg;base64,")]
    bottom = 30 if blur == "faces" else 110
    frames = 0
    for uri in pictures:
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture.shape == (120, 160):
            frames += 1
            original = cv2.cvtColor(noise, cv2.COLOR_RGB2GRAY)[14:bottom, 44:86].astype(float)
            shown = picture[14:bottom, 44:86].astype(float)
            assert shown.std() < 0.5 * original.std()
            assert abs(np.corrcoef(shown.ravel(), original.ravel())[0, 1]) < 0.35
    assert frames >= 5


def unpack(flat):
    rows = np.array(flat).reshape(-1, 5)
    return np.cumsum(rows, 0)


def people_of(rows):
    return collect_people(table("tracks", rows), table("segments", []))


def test_packed_boxes_are_the_boxes_of_the_table():
    frames = [*range(7, 20), *range(25, 31)]
    boxes = [(3.4 * k, 5.6, 3.4 * k + 20.2, 90.5 + k) for k in range(len(frames))]
    people = people_of(track_rows(3, frames, np.arange(40) / 10, boxes))
    (packed,) = pack_people(people, 7)
    rows = np.concatenate([unpack(part) for part in packed["parts"]])
    assert len(packed["parts"]) == 2
    assert (rows[:, 0] + 7).tolist() == frames
    # as the drawn boxes are rounded
    drawn = [[round(float(np.float32(v))) for v in box] for box in boxes]
    assert rows[:, 1:].tolist() == drawn


def test_too_many_boxes_are_thinned_and_stay_close():
    count, each = 60, 3000
    times = np.arange(each * 2) / 25
    rows = []
    for track in range(count):
        k = np.arange(each)
        x = 300 + 200 * np.sin(k / 300 + track)
        boxes = np.stack([x, 0 * k + 50, x + 40, 0 * k + 150], 1)
        rows += track_rows(track, k + track, times, boxes)
    packed = pack_people(people_of(rows), 0)
    points = [unpack(part) for person in packed for part in person["parts"]]
    assert sum(map(len, points)) <= MOST_BOXES < len(rows)
    first = np.concatenate([unpack(part) for part in packed[0]["parts"]])
    error = np.interp(np.arange(each), first[:, 0], first[:, 1]) - (300 + 200 * np.sin(np.arange(each) / 300))
    assert np.abs(error).max() < 4


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.floats(0.1, 20))
def test_thinning_keeps_every_value_within_the_tolerance(values, tolerance):
    at, array = np.arange(len(values), dtype=float), np.array(values)[:, None]
    kept = thin(at, array, tolerance)
    assert np.abs(np.interp(at, at[kept], array[kept, 0]) - array[:, 0]).max() <= tolerance + 1e-9


@given(st.lists(st.integers(5, 400), min_size=1, max_size=50))
def test_an_uneven_clock_is_kept_to_the_millisecond(steps):
    times = 3.0 + np.concatenate([[0], np.cumsum(steps)]) / 1000
    clock = frame_clock(times, times[-1] + 0.04)
    rebuilt = np.arange(clock["count"]) * clock["step"] if "count" in clock else np.cumsum([0, *clock["steps"]]) / 1000
    assert np.abs(rebuilt - (times - 3.0)).max() <= 0.001


# ---- plots and lists


def test_occupancy_shows_the_exact_peak_however_many_steps_there_are():
    times = np.arange(40_000) / 10
    rows = [r for k in range(900) for r in track_rows(k, range(40 * k, 40 * k + 30), times, [(0, 0, 9, 20)] * 30)]
    rows += track_rows(5000, range(20_000, 20_020), times, [(0, 0, 9, 20)] * 20)
    people = people_of(rows)
    plot = plots.occupancy(people, 0.0, 4000.0)
    heights = [float(p.split(",")[1]) for p in re.search(r'points="([^"]+)"', plot.drawing).group(1).split()]
    assert plot.ticks[-1] == (1.0, "2")
    assert min(heights) == 0.0
    assert len(heights) < 1100


def test_paths_leave_out_who_stood_still_and_say_whose_they_are():
    times = np.arange(100) / 10
    rows = track_rows(1, range(100), times, walker(range(100))[1])
    rows += track_rows(2, range(100), times, [(50, 20, 80, 90)] * 100)
    plot = plots.paths(people_of(rows), (320, 240), 1.0, None, (0.0, 10.0))
    assert plot.people == [1]
    assert 'data-person="1"' in plot.drawing
    assert plots.paths(people_of(rows[100:]), (320, 240), 1.0, None, (0.0, 10.0)) is None


@given(st.floats(0.01, 200_000))
def test_time_axes_have_a_readable_number_of_ticks(duration):
    ticks = time_ticks(duration)
    assert 1 <= len(ticks) <= 10
    assert all(0 <= at <= 1 + 1e-6 for at, _ in ticks)


@given(st.integers(1, 5000))
def test_count_axes_have_whole_numbers(top):
    ticks = count_ticks(top)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] <= top


def test_corrected_and_retracted_events_are_listed_as_they_stand():
    rows = [
        event("enter", 1.0, [1], key="a", version=1),
        event("enter", 2.0, [1], key="a", version=2),
        event("leave", 3.0, [1], key="b", version=1),
        event("leave", 3.0, [1], key="b", version=2, state="retracted"),
    ]
    moments, kinds = collect_moments(SimpleNamespace(events=table("events", rows)), [])
    assert [(m.kind, m.start) for m in moments] == [("enter", 2.0)]
    assert [(k.name, k.total, k.listed) for k in kinds] == [("enter", 1, 1)]


def test_a_long_list_keeps_the_important_kinds():
    rows = [event("heading", k / 10, [1]) for k in range(3000)] + [event("enter", 5.0 * k, [k]) for k in range(50)]
    moments, kinds = collect_moments(SimpleNamespace(events=table("events", rows)), [])
    assert {k.name: (k.total, k.listed) for k in kinds} == {"enter": (50, 50), "heading": (3000, 550)}
    assert [m.start for m in moments] == sorted(m.start for m in moments)


class LongVideo:
    """Two hours at 25 frames a second, as far as the report asks: real facts, an index, pictures of usual detail."""

    def __init__(self, film, count):
        with Video(film) as video:
            self.info = dataclasses.replace(video.info, width=1280, height=720)
        self.index = SimpleNamespace(time=np.arange(count) / 25, duration=np.full(count, 0.04))
        noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
        self._image = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC)

    def __len__(self):
        return len(self.index.time)

    def read(self, indices, *, size=None):
        at = np.array(list(indices))
        images = np.stack([self._image] * len(at))
        return Clip(images, at, self.index.time[at], self.index.duration[at], np.zeros(len(at), np.uint8))


@pytest.fixture(scope="module")
def long_page(film, tmp_path_factory):
    folder = tmp_path_factory.mktemp("long") / "long.onlooker"
    video, generator = LongVideo(film, 180_000), np.random.default_rng(4)
    rows, doing, events = [], [], []
    for track in range(500):
        first, count = int(generator.integers(0, 178_000)), int(generator.integers(100, 600))
        k = np.arange(count)
        x = 600 + 300 * np.sin(k / 90 + track) + generator.normal(0, 2, count)
        boxes = np.stack([x, 200 + 0 * k, x + 60, 400 + generator.normal(0, 2, count)], 1)
        rows.append(
            pa.table(
                {
                    "video": ["v"] * count,
                    "frame": first + k,
                    "time": (first + k) / 25,
                    "track_id": [track] * count,
                    **{name: boxes[:, i].astype(np.float32) for i, name in enumerate(("x1", "y1", "x2", "y2"))},
                    "label": ["person"] * count,
                    "score": np.full(count, 0.8, np.float32),
                    "observed": [True] * count,
                    "source": ["test"] * count,
                }
            ).cast(SCHEMAS["tracks"])
        )
        labels = ("walking", "standing", "together")
        doing += [
            {"track_id": track, "start": (first + a) / 25, "end": (first + a + 12) / 25, "label": labels[a // 12 % 3]}
            for a in range(0, count, 12)
        ]
        events += [event("enter", first / 25, [track]), event("leave", (first + count) / 25, [track])]
        events += [event("heading", (first + a) / 25, [track], direction="left") for a in range(0, count, 50)]
    starts = [*range(0, 180_000, 600), 180_000]
    shots = [
        {"shot": n, "start_frame": a, "end_frame": b, "start": a / 25, "end": b / 25, "transition": "cut"}
        for n, (a, b) in enumerate(itertools.pairwise(starts))
    ]
    sound = [{"start": k / 10, "end": k / 10 + 0.1, "rms": -40.0, "peak": -30.0} for k in range(72_000)]
    source = {"name": "long.mp4", "bytes": None, "sha256": None}
    with RunWriter.create_or_resume(folder, configuration={}, source=source) as writer:
        writer.append("tracks", pa.concat_tables(rows))
        for name, given_rows in (("segments", doing), ("events", events), ("sound", sound), ("shots", shots)):
            writer.append(name, table(name, given_rows))
        writer.commit(0, {})
        writer.manifest.facts = {
            "start": 0.0,
            "end": 7200.0,
            "frames": 180_000,
            "rate": 25.0,
            "vfr": False,
            "rotation": 0,
        }
        writer.finish()
    return write_report(Run(folder), video, blur="none")


def test_two_hours_with_five_hundred_people_stay_a_light_page(long_page):
    page = Page(long_page)
    assert long_page.stat().st_size < 10e6
    assert len(page.elements) < 20_000
    assert "The 200 people seen longest, of 500; all are in tracks.parquet." in page.words
    assert "Thinned to 600 entries" in page.words
    assert "60 of 300 shots; all are in shots.parquet." in page.words
    data = data_of(long_page)
    assert len(data["tracks"]) == 500
    assert sum(len(part) // 5 for track in data["tracks"] for part in track["parts"]) <= MOST_BOXES


def test_stretches_on_the_timelines_are_limited():
    times = np.arange(200_000) / 25
    rows, doing = [], []
    for track in range(200):
        rows += track_rows(track, range(0, 180_000, 30_000), times, [(0, 0, 10, 30)] * 6)
        doing += [
            {"track_id": track, "start": 60.0 * k, "end": 60.0 * k + 40, "label": ("walking", "running")[k % 2]}
            for k in range(110)
        ]
    people = collect_people(table("tracks", rows), table("segments", doing))
    found = rows_of(people, 0.0, 7200.0)
    assert len(doing) > MOST_SPANS
    assert sum(len(row.visits) + len(row.doing) + len(row.company) for row in found) <= MOST_SPANS
    assert "running 37 min" in found[0].summary


# ---- the page over many videos


def test_the_corpus_page_lists_every_video_and_links_complete_ones(walk, tmp_path):
    folder = walk.parent.parent
    entries = [
        Entry("film.mp4", "complete", walk.parent.name, 4.0, {"people": 2, "shots": 1}),
        Entry(HOSTILE, "failed", None, error="it breaks off: <b>"),
        Entry("slow.mp4", "interrupted"),
    ]
    page = write_corpus_report(folder, entries)
    parsed = Page(page)
    assert page == folder / "index.html"
    assert {a["href"] for a in parsed.all("a")} == {"./film.onlooker/report.html"}
    assert (folder / "film.onlooker" / "report.html").exists()
    assert len(parsed.all("li")) == 3
    assert parsed.all("img")[0]["src"].startswith("data:image/jpeg")
    for sentence in ("3 videos", "2 not complete", "2 people · 0:04 · 1 shot", "it breaks off: <b>"):
        assert sentence in parsed.words
    assert HOSTILE in "".join(parsed.text)
    assert len(parsed.all("script")) == 1


def test_a_page_of_somebody_else_is_never_replaced(tmp_path):
    (tmp_path / "index.html").write_text("<h1>My own page</h1>", encoding="utf-8")
    page = write_corpus_report(tmp_path, [])
    assert page.name == "onlooker-index.html"
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<h1>My own page</h1>"
    (tmp_path / "index.html").unlink()
    assert write_corpus_report(tmp_path, []).name == "index.html"
    assert write_corpus_report(tmp_path, []).name == "index.html"


def test_names_with_special_characters_are_linked_properly(tmp_path):
    folder = tmp_path / "a b#%.onlooker"
    folder.mkdir()
    (folder / "report.html").write_text("", encoding="utf-8")
    page = write_corpus_report(tmp_path, [Entry("a", "complete", folder.name, counts={"people": 0})])
    assert {a["href"] for a in Page(page).all("a")} == {"./a%20b%23%25.onlooker/report.html"}


# ---- in a browser


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra [dev])")
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: install Debian's chromium to run this test")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """An open report, everything it asked for and everything it complained about."""

    def __init__(self, browser, path, *, width=1280, height=800):
        self.requests, self.complaints = [], []
        self.tab = browser.new_page(viewport={"width": width, "height": height})
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.route("**/*", self._note)
        self.tab.goto(path.resolve().as_uri())
        self.wait("!document.getElementById('video') || document.getElementById('video').readyState >= 2")

    def _hear(self, message):
        # reading the overlay back is this test's doing
        if "getImageData" not in message.text:
            self.complaints.append(message.text)

    def _note(self, route):
        self.requests.append(route.request.url)
        route.continue_()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tab.close()

    def seek(self, seconds):
        self.tab.evaluate(
            "t => { const s = document.getElementById('scrub'); s.value = t; s.dispatchEvent(new Event('input')); }",
            seconds,
        )
        self.wait("!document.getElementById('video').seeking")
        self.tab.wait_for_timeout(150)

    @property
    def time(self):
        return self.tab.evaluate("document.getElementById('video').currentTime")

    def spotlight(self):
        """Left, top, right, bottom of what the overlay frames, in pixels of the video; None without one."""
        return self.tab.evaluate(
            """() => {
              const canvas = document.getElementById('overlay');
              const { size } = JSON.parse(document.getElementById('data').textContent);
              const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let box = null;
              for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
                if (data[4 * (y * width + x) + 3] > 250) {
                  if (!box) box = [x, y, x, y];
                  box = [Math.min(box[0], x), box[1], Math.max(box[2], x), y];
                }
              return box && [box[0] * size[0] / width, box[1] * size[1] / height,
                             (box[2] + 1) * size[0] / width, (box[3] + 1) * size[1] / height];
            }"""
        )

    def wait(self, condition):
        """Until a condition in the page holds; the page's own policy forbids Playwright's way of waiting (eval)."""
        until = time.monotonic() + 15
        while not self.tab.evaluate(condition):
            assert time.monotonic() < until, condition
            self.tab.wait_for_timeout(40)

    def burnt_in(self, plain, box):
        """Left and right edge of the box in the picture itself: where it differs from the `plain` frame.

        Looked for in rows that hold neither caption nor trail.
        """
        self.tab.evaluate("document.getElementById('overlay').style.display = 'none'")
        shot = self.tab.locator("#stage").screenshot()
        self.tab.evaluate("document.getElementById('overlay').style.display = ''")
        image = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        height, width = plain.shape[0] + plain.shape[0] % 2, plain.shape[1] + plain.shape[1] % 2
        image = cv2.resize(image, (4 * width, 4 * height), interpolation=cv2.INTER_AREA).astype(float)
        plain = np.pad(plain, ((0, height - plain.shape[0]), (0, width - plain.shape[1]), (0, 0)), mode="edge")
        plain = cv2.resize(plain, (4 * width, 4 * height), interpolation=cv2.INTER_LINEAR)
        rows = slice(round(4 * (0.7 * box[1] + 0.3 * box[3])), round(4 * (0.3 * box[1] + 0.7 * box[3])))
        change = np.abs(image - plain)[rows].mean((0, 2))
        # the outermost pixels of a screenshot mix with what lies around the stage
        first, last = max(8, round(4 * box[0]) - 60), min(4 * width - 8, round(4 * box[2]) + 60)
        columns = first + np.flatnonzero(change[first:last] > 0.5 * change[first:last].max())
        return columns.min() / 4, (columns.max() + 1) / 4


@pytest.mark.browser
def test_a_visitor_plays_and_clicks_through_the_report(browser, walk):
    with Visit(browser, walk) as visit:
        tab = visit.tab
        tab.locator("#play").click()
        visit.wait("document.getElementById('video').currentTime > 0.4")
        tab.keyboard.press("Space")
        assert tab.evaluate("document.getElementById('video').paused")
        assert tab.locator("#now").inner_text().startswith(("1 in", "2 in"))

        assert visit.spotlight() is None
        tab.locator(".portrait[data-person='1']").click()
        tab.wait_for_timeout(200)
        assert visit.spotlight() is not None
        assert tab.locator("#only").is_visible()
        assert tab.locator(".eventlist li:visible").count() == 2
        tab.keyboard.press("Escape")
        assert visit.spotlight() is None

        tab.locator(".eventlist button", has_text="leaves to the right").click()
        visit.wait("Math.abs(document.getElementById('video').currentTime - 2.05) < 0.04")
        assert tab.locator(".eventlist li:visible").count() == 3
        tab.keyboard.press("Escape")
        assert tab.locator(".eventlist li:visible").count() == 4
        tab.locator(".filters button", has_text="heading").click()
        assert tab.locator(".eventlist li:visible").count() == 5

        tab.locator(".seekable").first.scroll_into_view_if_needed()
        plot = tab.locator(".seekable").first.bounding_box()
        tab.mouse.click(plot["x"] + 0.25 * plot["width"], plot["y"] + 20)
        visit.wait("Math.abs(document.getElementById('video').currentTime - 1.05) < 0.06")
        before = visit.time
        tab.keyboard.press("ArrowRight")
        visit.wait(f"Math.abs(document.getElementById('video').currentTime - {before + 0.1}) < 0.02")
        tab.keyboard.press("ArrowLeft")
        visit.wait(f"Math.abs(document.getElementById('video').currentTime - {before}) < 0.02")

        tab.locator(".paths g[data-person='1']").dispatch_event("click")
        assert tab.locator(".portrait[data-person='1']").get_attribute("aria-pressed") == "true"
        assert visit.complaints == []
        names = {Path(url).name for url in visit.requests if not url.startswith("data:")}
        assert names <= {"report.html", "annotated.mp4"}
        assert all(url.startswith(("file:", "data:")) for url in visit.requests)


@pytest.mark.browser
def test_a_person_in_the_picture_can_be_clicked(browser, walk):
    with Visit(browser, walk) as visit:
        visit.seek(0.7)
        stage = visit.tab.locator("#overlay").bounding_box()
        # person 1 on frame 7: x from 24 to 48, y from 30 to 100
        visit.tab.mouse.click(stage["x"] + stage["width"] * 36 / 160, stage["y"] + stage["height"] * 60 / 120)
        assert visit.tab.locator(".portrait[data-person='1']").get_attribute("aria-pressed") == "true"
        visit.tab.mouse.click(stage["x"] + stage["width"] * 80 / 160, stage["y"] + stage["height"] * 110 / 120)
        assert visit.tab.locator(".portrait[data-person='1']").get_attribute("aria-pressed") == "false"


VFR_TIMES = np.cumsum(np.tile([0.04, 0.12, 0.08, 0.2], 10)) - 0.04


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "times", "frames"),
    [
        ((160, 120), None, range(0, 40)),
        ((160, 120), None, range(13, 38)),
        ((161, 121), VFR_TIMES, range(0, 40)),
        ((120, 200), VFR_TIMES, range(9, 33)),
    ],
    ids=["plain", "from-the-middle", "odd-size-and-uneven-times", "portrait-from-the-middle-uneven"],
)
def test_the_spotlight_lies_on_the_box_in_the_picture(browser, tmp_path, size, times, frames):
    film = write_film(tmp_path / "film.mp4", size=size, times=times)
    at, boxes = walker(frames, x0=10, step=2)
    page = make_run(film, tmp_path / "film.onlooker", people={1: (at, boxes)}, frames=frames)
    with Video(film) as video:
        shown_at = video.index.time[frames.start : frames.stop] - video.index.time[frames.start]
        steps = video.index.duration[frames.start : frames.stop]
        plain = video.read([0]).images[0]
    with Visit(browser, page) as visit:
        visit.tab.locator(".portrait[data-person='1']").click()
        for k, part in ((0, 0.1), (3, 0.9), (11, 0.5), (len(frames) - 2, 0.02)):
            visit.seek(float(shown_at[k] + part * steps[k]))
            assert visit.spotlight() == pytest.approx(boxes[k], abs=1.5)
            assert visit.burnt_in(plain, boxes[k]) == pytest.approx((boxes[k][0], boxes[k][2] + 1), abs=1.6)


@pytest.mark.browser
def test_the_original_is_played_with_boxes_drawn_by_the_page(browser, tmp_path):
    film = write_film(tmp_path / "film.mp4")
    at, boxes = walker(range(10, 30))
    page = make_run(film, tmp_path / "film.onlooker", people={1: (at, boxes)}, frames=range(10, 30), annotated=False)
    with Visit(browser, page) as visit:
        visit.seek(0.55)
        assert visit.time == pytest.approx(1.55, abs=0.03)
        left, _, right, bottom = visit.spotlight()
        assert (left, right, bottom) == pytest.approx((boxes[5][0], boxes[5][2], boxes[5][3]), abs=1.5)
        assert visit.complaints == []


@pytest.mark.browser
@pytest.mark.real
def test_a_turned_video_is_framed_as_displayed(browser, clips, tmp_path):
    boxes = [(100 + 2 * k, 120, 260 + 2 * k, 560) for k in range(20)]
    page = make_run(
        clips / "odd_rotated_person.mp4",
        tmp_path / "r.onlooker",
        people={1: (list(range(20)), boxes)},
        frames=range(20),
    )
    with Visit(browser, page) as visit:
        visit.tab.locator(".portrait[data-person='1']").click()
        assert data_of(page)["size"] == [480, 640]
        visit.seek(10.4 / 30)
        assert visit.spotlight() == pytest.approx(boxes[10], abs=4)
        with Video(clips / "odd_rotated_person.mp4") as video:
            plain = video.read([10]).images[0]
        assert visit.burnt_in(plain, boxes[10]) == pytest.approx((boxes[10][0], boxes[10][2] + 1), abs=3)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser, walk, long_page, scheme):
    for path in (walk, long_page):
        with Visit(browser, path, width=390, height=844) as visit:
            visit.tab.emulate_media(color_scheme=scheme)
            assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 390
            assert visit.complaints == []


@pytest.mark.browser
def test_a_missing_video_is_said(browser, film, tmp_path):
    page = make_run(film, tmp_path / "film.onlooker", people={1: walker(range(20))})
    (page.parent / "annotated.mp4").unlink()
    tab = browser.new_page()
    tab.goto(page.resolve().as_uri())
    tab.wait_for_selector("#missing:visible")
    assert "keep this page and annotated.mp4 together" in tab.locator("#missing").inner_text()
    tab.close()
