"""Detector and tracker together on real video."""

from __future__ import annotations

import numpy as np
import pytest

from onlooker.methods.detection import load_detector
from onlooker.methods.tracking import load_tracker
from onlooker.video import Video


def follow(path):
    """Time and tracks of every frame."""
    detector, tracker = load_detector("embedded"), load_tracker()
    seeing = following = None
    for frame in Video(path):
        if seeing is None:
            height, width = frame.image.shape[:2]
            seeing, following = detector.init_state(width, height), tracker.init_state(width, height)
        (found,), seeing = detector.run(frame.image[None], np.array([frame.time]), seeing)
        tracks, following = tracker.step(frame.image, frame.time, found, following)
        assert len(set(tracks.ids.tolist())) == len(tracks)
        yield frame.time, tracks


def times_of(frames):
    """For each id the times at which it was given out."""
    times: dict[int, list[float]] = {}
    for time, tracks in frames:
        for who in tracks.ids.tolist():
            times.setdefault(who, []).append(time)
    return times


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_people_who_come_one_by_one_are_told_apart(clips):
    """Each visit has one main id and the empty room stays empty; see the card for the two men in black."""
    times = times_of(follow(clips / "one_by_one_people.mp4"))
    visits = [(8, 20), (24, 43), (51, 70), (75, 85), (93, 118), (125, 136)]
    main = []
    for start, end in visits:
        inside = {who: sum(start - 2 <= t <= end + 2 for t in seen) for who, seen in times.items()}
        best = max(inside, key=lambda who: inside[who])
        assert inside[best] > 0.7 * 10 * (end - start)
        main.append(best)
    assert len(set(main)) >= 5
    assert len(times) <= 9
    empty = [t for seen in times.values() for t in seen if not any(a - 2.5 <= t <= b + 2.5 for a, b in visits)]
    assert len(empty) < 30


# second, x and y of people on the campus path, told apart by eye from pictures
CAMPUS = {
    "brown jacket, jeans": [(12.0, 241, 138), (20.0, 396, 199), (24.0, 289, 187), (30.0, 193, 121)],
    "leather, black trousers": [(15.5, 288, 151), (20.0, 452, 188), (24.0, 425, 202), (30.0, 206, 157)],
    "all black": [(12.0, 327, 158)],
    "striped jacket": [(15.5, 351, 165), (20.0, 145, 142), (24.0, 32, 129)],
    "light blue": [(15.5, 259, 147), (20.0, 59, 115)],
    "grey, jeans": [(6.0, 395, 180), (12.0, 413, 104), (20.0, 313, 114), (24.0, 158, 122), (30.0, 124, 122)],
    "red and blue": [(6.0, 301, 156), (12.0, 358, 100), (24.0, 410, 90), (30.0, 371, 122)],
    "woman in a coat": [(6.0, 324, 152), (12.0, 372, 102), (24.0, 419, 92), (30.0, 393, 123)],
}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nobody_on_the_campus_path_takes_over_the_id_of_somebody_else(clips):
    frames = list(follow(clips / "pedestrians_vtest.mp4"))
    times = times_of(frames)
    assert 12 <= len(times) <= 30
    assert sum(seen[-1] - seen[0] > 8 for seen in times.values()) >= 10
    assert 3 <= sum(map(len, times.values())) / 795 <= 10
    owners: dict[int, set[str]] = {}
    for person, points in CAMPUS.items():
        ids = {id_at(frames, *point) for point in points}
        assert 0 not in ids, person
        assert len(ids) <= 2, person
        for who in ids:
            owners.setdefault(who, set()).add(person)
    assert all(len(people) == 1 for people in owners.values()), owners


def id_at(frames, time, x, y):
    """The id nearest to a point; 0 where nobody is within twenty pixels."""
    tracks = next(tracks for moment, tracks in frames if moment >= time - 1e-6)
    middle = (tracks.boxes[:, :2] + tracks.boxes[:, 2:]) / 2
    far = np.linalg.norm(middle - (x, y), axis=1)
    return int(tracks.ids[far.argmin()]) if len(far) and far.min() < 20 else 0
