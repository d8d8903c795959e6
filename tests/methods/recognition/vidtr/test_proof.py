"""Both ways to drop time steps cost the same, about half of dropping none; the clips show what their truth says."""

from __future__ import annotations

import torch

from onlooker.methods.recognition.vidtr import VidTr
from onlooker.methods.recognition.vidtr.proof import CLAIM, CONFIG, MODELS, SHOWN, cost, make_clips, recall

torch.set_num_threads(1)


def test_costs() -> None:
    assert cost("std") == cost("uniform")
    assert 0.45 < cost("std") / cost("full") < 0.6
    assert (CLAIM.mechanism, CLAIM.baseline) == ("std", "uniform")


def test_models_start_from_the_same_weights() -> None:
    states = [VidTr(config, generator=torch.Generator().manual_seed(0)).state_dict() for config in MODELS.values()]
    assert all(torch.equal(states[0][key], state[key]) for state in states for key in states[0])


def test_the_glyph_shows_where_the_truth_says() -> None:
    clips, labels, shown = make_clips(40, 0)
    assert shown.sum((1, 2)).tolist() == [SHOWN] * 40
    assert torch.equal(clips, make_clips(40, 0)[0])
    assert not torch.equal(clips, make_clips(40, 1)[0])
    side, patch = CONFIG.grid, CONFIG.patch
    still = clips - clips.median(dim=1, keepdim=True).values
    change = still.view(40, CONFIG.frames, 3, side, patch, side, patch).abs().mean((2, 4, 6)).flatten(2)
    assert float(change[shown > 0].min()) > float(change[shown == 0].max())
    assert int(labels.max()) == CONFIG.classes - 1


def test_recall_of_evenly_kept_steps_is_the_share_kept() -> None:
    clips, _, shown = make_clips(200, 0)
    model = VidTr(MODELS["uniform"], generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        assert abs(recall(model, clips, shown) - 4 / 12) < 0.05
        whole = torch.ones_like(shown)
        assert abs(recall(model, clips, whole) - 4 / 12) < 1e-6
