"""Detector and tracker together on real video."""

from __future__ import annotations

import numpy as np
import pytest

from onlooker.methods.detection import load_detector
from onlooker.methods.tracking import load_tracker
from onlooker.video import Video


def follow(path):
    """For each id the times at which it was given out."""
    detector, tracker = load_detector("embedded"), load_tracker()
    seeing = following = None
    times: dict[int, list[float]] = {}
    for frame in Video(path):
        if seeing is None:
            height, width = frame.image.shape[:2]
            seeing, following = detector.init_state(width, height), tracker.init_state(width, height)
        (found,), seeing = detector.run(frame.image[None], np.array([frame.time]), seeing)
        tracks, following = tracker.step(frame.image, frame.time, found, following)
        assert len(set(tracks.ids.tolist())) == len(tracks)
        for who in tracks.ids.tolist():
            times.setdefault(who, []).append(frame.time)
    return times


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_people_who_come_one_by_one_are_told_apart(clips):
    """Each visit has one main id and the empty room stays empty; see the card for the two men in black."""
    times = follow(clips / "one_by_one_people.mp4")
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


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_campus_path_gives_a_plausible_number_of_people(clips):
    times = follow(clips / "pedestrians_vtest.mp4")
    assert 12 <= len(times) <= 30
    assert sum(seen[-1] - seen[0] > 8 for seen in times.values()) >= 10
    assert 3 <= sum(map(len, times.values())) / 795 <= 10
