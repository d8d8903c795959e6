"""The experiment's clips are what it says."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.nuta.proof import CLAIM, CONFIG, EVENT, evaluate, inside, make_clips

torch.set_num_threads(1)


def test_the_ring_is_there_during_the_action_only() -> None:
    clips, labels, starts = make_clips(40, 0, EVENT)
    assert clips.shape == (40, CONFIG.frames, 1, CONFIG.size, CONFIG.size)
    assert set(labels.tolist()) <= {0, 1, 2, 3}
    brightness = clips.sum(dim=(2, 3, 4))
    frames = torch.arange(CONFIG.frames)
    event = (frames >= starts[:, None]) & (frames < starts[:, None] + EVENT)
    assert int(event.sum()) == 40 * EVENT
    # the ring has eight pixels of brightness 1
    assert float(brightness[event].mean() - brightness[~event].mean()) == pytest.approx(8, abs=1)


def test_a_long_action_fills_the_clip() -> None:
    clips, _, starts = make_clips(5, 0, CONFIG.frames)
    assert starts.tolist() == [0] * 5
    assert float(clips.sum(dim=(2, 3, 4)).mean()) == pytest.approx(17, abs=1)


def test_seeds_give_other_clips_and_the_same_seed_the_same() -> None:
    first = make_clips(3, 0, EVENT)[0]
    assert torch.equal(first, make_clips(3, 0, EVENT)[0])
    assert not torch.equal(first, make_clips(3, 1, EVENT)[0])


def test_focus_counts_shares_on_the_action() -> None:
    shares = torch.zeros(1, 8)
    shares[0, 2:4] = 0.5
    assert float(inside(shares, torch.tensor([3]))) == 0.5


@pytest.mark.slow
def test_the_mechanism_beats_the_baseline() -> None:
    from dataclasses import replace

    data = make_clips(1536, 3, EVENT)
    assert (CLAIM.mechanism, CLAIM.baseline) == ("nuta", "uniform")
    nuta, focus = evaluate(CONFIG, data, 3)
    assert nuta > evaluate(replace(CONFIG, branches="uniform"), data, 3)[0] + 0.2
    assert focus > 3
