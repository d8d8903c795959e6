"""The experiment's data, and the parts of its claim that are quick to see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from onlooker.methods.recognition.dense_trajectories import proof
from onlooker.methods.recognition.dense_trajectories.proof_clips import CLASSES, FRAMES, blob_path, make_clip

torch.set_num_threads(1)


def test_clips_are_those_of_their_seed() -> None:
    first, boxes = make_clip(0, True, np.random.default_rng(3))
    assert first.shape == (25, 120, 160, 3)
    assert len(boxes) == FRAMES
    assert np.array_equal(first, make_clip(0, True, np.random.default_rng(3))[0])
    assert not np.array_equal(first, make_clip(0, True, np.random.default_rng(4))[0])


def test_the_camera_moves_only_when_it_shakes() -> None:
    """A corner far from the blob."""
    for shaking, limit in ((False, 6.0), (True, None)):
        clip, _ = make_clip(0, shaking, np.random.default_rng(1))
        change = np.abs(np.diff(clip[:, :20, :20, 0].astype(float), axis=0)).mean()
        assert (change < limit) if limit else (change > 15)


def test_the_motions_differ() -> None:
    paths = [blob_path(label, np.random.default_rng(0)) for label in range(len(CLASSES))]
    assert paths[0][-1, 0] < paths[0][0, 0]
    assert paths[1][-1, 0] > paths[1][0, 0]
    assert np.ptp(paths[2][:, 1]) > 15
    assert np.ptp(paths[3][:, 1]) == 0


def test_each_split_learns_from_as_many_clips_of_each_class() -> None:
    drawn = proof.splits(0, proof.CLIPS)
    assert len(drawn) == proof.SPLITS
    for train in drawn:
        assert len(set(train)) == proof.TRAIN
        assert np.bincount([number % 4 for number in train]).tolist() == [4, 4, 4, 4]
    assert drawn == proof.splits(0, proof.CLIPS)
    assert drawn != proof.splits(1, proof.CLIPS)


@pytest.mark.slow
def test_the_mechanism_beats_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "CLIPS", 28)
    scores = proof.run(5)
    assert scores["compensated"] > scores["uncompensated"]
    assert scores["compensated_hof"] > scores["uncompensated_hof"] + 0.2
