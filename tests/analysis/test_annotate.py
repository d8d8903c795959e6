"""What is drawn onto frames, and what is hidden."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pyarrow as pa
import pytest

from onlooker.analysis.annotate import Overlay, write_annotated
from onlooker.analysis.drawing import _places, color_of, draw_captions, ink_of
from onlooker.analysis.hiding import Curtain, find_faces, heads_of
from onlooker.methods.detection.embedded_people.cascades import load_cascade
from onlooker.records import SCHEMAS
from onlooker.video import Video
from onlooker.video.writer import VideoWriter


def tracks(rows, rate=10.0):
    """Rows of (track, frame, box)."""
    full = [
        {
            "video": "v",
            "track_id": track,
            "frame": frame,
            "time": frame / rate,
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "label": "person",
            "score": 0.9,
            "observed": True,
            "source": "test",
        }
        for track, frame, box in rows
    ]
    return pa.Table.from_pylist(full, schema=SCHEMAS["tracks"])


def segments(rows):
    full = [
        {"video": "v", "track_id": t, "start": a, "end": b, "label": label, "source": "test"} for t, a, b, label in rows
    ]
    return pa.Table.from_pylist(full, schema=SCHEMAS["segments"])


def noise(height=360, width=640, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def captions_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "onlooker.analysis.annotate.draw_captions", lambda _i, _b, ids, texts: drawn.append((ids, texts))
    )
    return drawn


def test_the_box_has_its_colour_and_the_rest_of_a_frame_without_people_is_untouched():
    overlay = Overlay(tracks([(4, 10, (100, 50, 160, 250))]), segments([]))
    image = np.zeros((360, 640, 3), np.uint8)
    drawn = overlay.draw(image, 10, 1.0, "none")
    assert tuple(drawn[150, 100]) == color_of(4)
    assert tuple(drawn[250, 130]) == color_of(4)
    assert np.array_equal(overlay.draw(image, 11, 1.1, "none"), image)
    assert not image.any()


def test_a_caption_says_one_activity_and_never_company(monkeypatch):
    doing = segments([(4, 0.0, 5.0, "together"), (4, 0.5, 2.0, "walking"), (4, 2.0, 3.0, "standing")])
    overlay = Overlay(tracks([(4, f, (100, 50, 160, 250)) for f in range(40)]), doing)
    drawn = captions_drawn(monkeypatch)
    for frame in (4, 5, 19, 20, 29, 30):
        overlay.draw(np.zeros((360, 640, 3), np.uint8), frame, frame / 10, "none")
    assert [texts[0] for _, texts in drawn] == ["", "walking", "walking", "standing", "standing", ""]


def test_what_a_classifier_says_comes_before_standing_and_walking(monkeypatch):
    doing = segments([(4, 1.0, 5.0, "standing"), (4, 1.0, 2.0, "juggling"), (4, 3.0, 3.5, "pouring")])
    overlay = Overlay(tracks([(4, f, (100, 50, 160, 250)) for f in range(60)]), doing)
    drawn = captions_drawn(monkeypatch)
    for frame in (9, 15, 25, 32, 40, 55):
        overlay.draw(np.zeros((360, 640, 3), np.uint8), frame, frame / 10, "none")
    assert [texts[0] for _, texts in drawn] == ["", "juggling", "standing", "pouring", "standing", ""]


def test_a_trail_shows_two_seconds_of_this_person_only(monkeypatch):
    rows = [(1, f, (10 + f, 0, 20 + f, 100)) for f in range(60)] + [(2, f, (300, 0, 320, 90)) for f in range(50, 60)]
    trails = {}
    monkeypatch.setattr(
        "onlooker.analysis.annotate.draw_trail", lambda _i, points, track: trails.update({track: points})
    )
    Overlay(tracks(rows), segments([])).draw(np.zeros((360, 640, 3), np.uint8), 55, 5.5, "none")
    assert len(trails[1]) == 21
    assert trails[1][-1].tolist() == [70.0, 100.0]
    assert len(trails[2]) == 6


def test_captions_in_a_crowd_cover_each_other_less_than_captions_put_at_each_box():
    generator = np.random.default_rng(5)
    lefts, tops = generator.uniform(100, 400, 9), generator.uniform(60, 150, 9)
    boxes = [(x, y, x + 40, y + 120) for x, y in zip(lefts, tops, strict=True)]
    placed = []

    image = np.zeros((360, 640, 3), np.uint8)
    real = cv2.rectangle
    try:
        cv2.rectangle = lambda i, a, b, *rest: (placed.append((*a, b[0] + 1, b[1] + 1)), real(i, a, b, *rest))[1]
        draw_captions(image, boxes, list(range(9)), ["walking"] * 9)
    finally:
        cv2.rectangle = real

    def covered(places):
        return sum(
            max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
            for a, b in itertools.combinations(places, 2)
        )

    naive = [next(iter(_places(image.shape, box, f"{k} walking"))) for k, box in enumerate(boxes)]
    assert len(placed) == 9
    assert covered(naive) > 0
    assert covered(placed) == 0
    assert all(a >= 0 and b >= 0 and c <= 640 and d <= 360 for a, b, c, d in placed)


@pytest.mark.parametrize("box", [(-20, -30, 5, 40), (620, 300, 700, 400), (0, 0, 640, 360), (300, 350, 310, 360)])
def test_captions_of_boxes_at_the_edge_stay_in_the_picture(box):
    image = np.zeros((360, 640, 3), np.uint8)
    draw_captions(image, [box], [3], ["walking"])
    assert (image == color_of(3)).all(-1).sum() > 200


def test_ink_on_every_colour_has_the_contrast_that_small_text_needs():
    def luminance(color):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for track in range(200):
        light, dark = sorted((luminance(color_of(track)), luminance(ink_of(track))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def fine(image):
    grey = image.astype(float).mean(-1)
    return grey - cv2.GaussianBlur(grey, (0, 0), 3)


def correlation(a, b):
    return abs(float(np.corrcoef(fine(a).ravel(), fine(b).ravel())[0, 1]))


@pytest.mark.parametrize("what", ["faces", "people"])
def test_what_is_hidden_keeps_nothing_of_its_detail(what):
    image = noise()
    box = (200, 60, 280, 320)
    hidden = image.copy()
    Curtain(tracks([(1, 5, box)]), what).hide(hidden, 5)
    bottom = 320 if what == "people" else int(heads_of(np.array([box], np.float32))[0, 3])
    inside = np.s_[60:bottom, 200:280]
    assert np.abs(hidden[inside].astype(int) - image[inside]).mean() > 40
    assert correlation(hidden[inside], image[inside]) < 0.1
    assert len(np.unique(hidden[inside].reshape(-1, 3), axis=0)) <= 30
    outside = np.ones(image.shape[:2], bool)
    outside[20:345, 180:300] = False
    assert np.array_equal(hidden[outside], image[outside])


def test_somebody_is_hidden_before_the_track_begins_after_it_ends_and_inside_its_gaps():
    table = tracks([(1, f, (200, 60, 280, 320)) for f in (*range(20, 40), *range(46, 60))])
    curtain = Curtain(table, "people")
    changed = []
    for frame in range(0, 80):
        image = noise()
        curtain.hide(image, frame)
        changed.append(not np.array_equal(image, noise()))
    assert changed == [15 <= frame < 65 for frame in range(80)]


def test_detections_that_became_no_track_are_hidden_too():
    detections = tracks([(1, 3, (10, 10, 60, 150))]).select(SCHEMAS["detections"].names)
    image = noise()
    Curtain(tracks([]), "people", detections).hide(image, 3)
    assert not np.array_equal(image[20:140, 15:55], noise()[20:140, 15:55])


def test_nothing_is_hidden_when_nothing_is_to_be():
    image = noise()
    Curtain(tracks([(1, 5, (200, 60, 280, 320))]), "none").hide(image, 5)
    assert np.array_equal(image, noise())


@pytest.mark.real
def test_faces_that_belong_to_no_person_are_found_and_hidden(clips):
    with Video(clips / "street_faces_1080p.mp4") as video:
        image = video.read([40]).images[0]
    hidden = image.copy()
    curtain = Curtain(tracks([]), "faces")
    cascade = load_cascade("frontalface_default")
    faces = find_faces(image, cascade)
    assert len(faces) >= 1
    curtain.hide(hidden, 40)
    for x1, y1, x2, y2 in faces.astype(int):
        assert correlation(hidden[y1:y2, x1:x2], image[y1:y2, x1:x2]) < 0.3
        assert fine(hidden[y1:y2, x1:x2]).std() < fine(image[y1:y2, x1:x2]).std()
    assert len(find_faces(hidden, cascade)) < len(faces)


@pytest.mark.slow
@pytest.mark.real
def test_a_face_stays_hidden_where_the_cascade_loses_it_for_a_moment(clips):
    with Video(clips / "street_faces_1080p.mp4") as video:
        curtain = Curtain(tracks([]), "faces")
        curtain.look_out(video, range(30, 61))
        seen = {frame: faces for frame, faces in curtain._faces.items() if len(faces)}
        assert {frame % 5 for frame in curtain._faces} == {0}
        assert seen
        for frame, faces in seen.items():
            for other in (frame - 7, frame + 7):
                image = video.read([other]).images[0]
                hidden = image.copy()
                curtain.hide(hidden, other)
                x1, y1, x2, y2 = faces[0].astype(int)
                assert fine(hidden[y1:y2, x1:x2]).std() < 0.8 * fine(image[y1:y2, x1:x2]).std()
            break


@pytest.mark.slow
@pytest.mark.real
def test_hiding_does_not_depend_on_what_was_asked_for_before(clips):
    with Video(clips / "street_faces_1080p.mp4") as video:
        image = video.read([50]).images[0]
        results = []
        for asked in ([range(48, 52)], [range(0, 20), range(40, 60)]):
            curtain, copy = Curtain(tracks([]), "faces"), image.copy()
            for frames in asked:
                curtain.look_out(video, frames)
            curtain.hide(copy, 50)
            results.append(copy)
    assert np.array_equal(*results)
    assert not np.array_equal(results[0], image)


@pytest.fixture
def film(tmp_path):
    """Thirty frames of smooth texture, 10 a second."""
    path = tmp_path / "film.mp4"
    base = cv2.GaussianBlur(noise(120, 160), (0, 0), 1.5)
    with VideoWriter(path, 160, 120, rate=10) as writer:
        for _ in range(30):
            writer.write(base)
    return path


def annotate(film, folder, rows, *, frames=None, blur="none", stop_after=None):
    folder.mkdir(exist_ok=True)
    calls = []

    def progress(count):
        calls.append(count)
        if stop_after is not None and len(calls) >= stop_after:
            raise KeyboardInterrupt

    with Video(film) as video:
        chosen = frames or range(len(video))
        overlay = Overlay(tracks(rows), segments([]))
        return write_annotated(video, str(film), overlay, folder, frames=chosen, blur=blur, progress=progress), calls


ROWS = [(1, f, (20 + 3 * f, 20, 50 + 3 * f, 100)) for f in range(30)]


def test_annotated_video_has_the_frames_and_times_of_its_part(film, tmp_path):
    problem, calls = annotate(film, tmp_path / "run", ROWS, frames=range(7, 25))
    assert problem is None
    assert sum(calls) == 18
    with Video(tmp_path / "run" / "annotated.mp4") as video:
        assert len(video) == 18
        assert video.index.time[:3].tolist() == pytest.approx([0.0, 0.1, 0.2], abs=1e-4)


def test_an_interrupted_annotation_goes_on_to_the_same_bytes(film, tmp_path, monkeypatch):
    monkeypatch.setattr("onlooker.analysis.annotate.PART_FRAMES", 8)
    annotate(film, tmp_path / "whole", ROWS)
    with pytest.raises(KeyboardInterrupt):
        annotate(film, tmp_path / "cut", ROWS, stop_after=2)
    assert not (tmp_path / "cut" / "annotated.mp4").exists()
    annotate(film, tmp_path / "cut", ROWS)
    assert (tmp_path / "cut" / "annotated.mp4").read_bytes() == (tmp_path / "whole" / "annotated.mp4").read_bytes()
    assert not (tmp_path / "cut" / ".parts").exists()


@pytest.mark.parametrize("blur", ["faces", "people"])
def test_hidden_people_are_hidden_in_the_file(film, tmp_path, blur):
    annotate(film, tmp_path / "run", ROWS, blur=blur)
    with Video(film) as before, Video(tmp_path / "run" / "annotated.mp4") as after:
        original, written = before.read([15]).images[0], after.read([15]).images[0]
    # inside the lines of the box and below the caption
    inside = np.s_[36:40, 68:92] if blur == "faces" else np.s_[40:96, 68:92]
    assert np.abs(original[inside].astype(int) - written[inside]).mean() > 8
    assert correlation(original[inside], written[inside]) < 0.35


def test_looking_up_a_frame_costs_the_same_in_a_long_run():
    import time

    def seconds(count):
        overlay = Overlay(tracks([(f // 50, f, (20, 20, 60, 100)) for f in range(count)]), segments([]))
        image = np.zeros((120, 160, 3), np.uint8)
        best = np.inf
        for _ in range(5):
            began = time.perf_counter()
            for frame in range(500, 600):
                overlay.draw(image, frame, frame / 10, "none")
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(60_000) < 4 * seconds(1_000)
