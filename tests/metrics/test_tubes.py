"""Tubes: overlap, AP, linking, and tracks of masks."""

from __future__ import annotations

import numpy as np
import pytest

from onlooker.metrics.tubes import (
    LinkOptions,
    MaskTrack,
    Tube,
    Tubelet,
    VideoTracks,
    link_tubelets,
    track_ap,
    track_iou,
    tube_iou,
    video_ap,
    video_map,
)


def tube(first: int, last: int, x: float = 0, score: float = 1, video: str = "v", label: str = "run") -> Tube:
    frames = np.arange(first, last)
    return Tube(video, label, frames, np.tile([x, 0.0, x + 10, 10], (len(frames), 1)), score)


def test_overlap_by_hand() -> None:
    assert tube_iou(tube(0, 10), tube(0, 10)) == 1
    assert tube_iou(tube(0, 10), tube(5, 15)) == pytest.approx(5 / 15)
    assert tube_iou(tube(0, 10), tube(0, 5, x=5)) == pytest.approx(5 / 10 / 3)
    assert tube_iou(tube(0, 10), tube(10, 20)) == 0


def test_video_ap_by_hand() -> None:
    gt = [tube(0, 10), tube(0, 10, x=100), tube(0, 10, video="w")]
    pred = [tube(0, 10, score=0.9), tube(0, 10, x=2, score=0.8), tube(0, 10, x=100, score=0.7)]
    assert video_ap(gt, pred, ["run"])["run"] == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    assert np.isnan(video_ap(gt, pred, ["sit"])["sit"])
    numbers = video_map(gt, gt, ["run", "sit"])
    assert numbers == {"mAP@0.2": 1, "mAP@0.5": 1, "mAP@0.75": 1, "mAP@0.5:0.95": 1}
    assert video_map(gt, pred, ["run"])["mAP@0.5:0.95"] <= video_map(gt, pred, ["run"])["mAP@0.5"]


def walk(start: int, x: float, score: float, length: int = 6) -> Tubelet:
    left = x + np.arange(start, start + length, dtype=float)
    return Tubelet(start, np.stack([left, 0 * left, left + 20, 0 * left + 20], axis=1), score)


def test_linking_follows_two_people_and_averages() -> None:
    tubelets = [walk(s, 0, 0.9) for s in range(20)] + [walk(s, 200, 0.5) for s in range(20)]
    tubelets += [walk(s, 1, 0.3) for s in range(20)]  # suppressed
    tubes = link_tubelets(tubelets, "v", "run")
    assert len(tubes) == 2
    best = max(tubes, key=lambda t: t.score)
    assert best.score == pytest.approx(0.9)
    assert best.frames.tolist() == list(range(25))
    assert np.allclose(best.boxes[:, 0], np.arange(25))
    assert link_tubelets(tubelets, "v", "run", LinkOptions(shortest=26)) == []
    assert len(link_tubelets(tubelets, "v", "run", LinkOptions(lowest=0.6))) == 1


def test_a_long_gap_ends_a_link() -> None:
    near = [walk(s, 0, 0.9) for s in (*range(15), *range(18, 30))]
    assert len(link_tubelets(near, "v", "run")) == 1
    far = [walk(s, 0, 0.9) for s in (*range(15), *range(30, 45))]
    assert len(link_tubelets(far, "v", "run")) == 2


def mask(*pixels: int) -> np.ndarray:
    canvas = np.zeros((1, 10), bool)
    canvas[0, list(pixels)] = True
    return canvas


def test_tracks_of_masks() -> None:
    whole = MaskTrack((mask(0, 1), mask(0, 1), None))
    half = MaskTrack((mask(0, 1), None, mask(5)), score=0.9)
    assert track_iou(whole, half) == pytest.approx(2 / 5)
    assert track_iou(MaskTrack((None,)), MaskTrack((None,))) == 0


def test_crowds_are_not_scored() -> None:
    person, crowd = MaskTrack((mask(0, 1),)), MaskTrack((mask(5, 6),), crowd=True)
    found = [MaskTrack((mask(5, 6),), score=0.9), MaskTrack((mask(0, 1),), score=0.8)]
    ap, ar = track_ap([VideoTracks.compare([person, crowd], found)], 10)
    assert (ap == 1).all()
    assert (ar == 1).all()
    assert (track_ap([VideoTracks.compare([person, crowd], found)], 1)[1] == 0).all()
    assert (track_ap([VideoTracks.compare([crowd], found)], 10)[0] == -1).all()
