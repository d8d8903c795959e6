"""Channels stay apart in the depthwise convolutions; the experiment's budget is as said."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.csn import CSN, Config, proof
from onlooker.methods.recognition.csn.proof import CONFIG, STEPS, make_model
from onlooker.nn.counting import count_multiply_adds, count_parameters

torch.set_num_threads(1)
TINY = Config(frames=4, size=32, width=8, depths=(1, 2), classes=3)


def test_every_3x3x3_convolution_behind_the_stem_is_depthwise() -> None:
    kernels = [m for m in CSN(TINY).stages.modules() if isinstance(m, nn.Conv3d) and m.kernel_size == (3, 3, 3)]
    assert len(kernels) == 3
    assert all(conv.groups == conv.in_channels == conv.out_channels for conv in kernels)
    full = CSN(replace(TINY, group_width=0))
    assert count_parameters(full) > 1.5 * count_parameters(CSN(TINY))
    with pytest.raises(ConfigError, match="groups"):
        replace(TINY, group_width=3)


def test_the_pool_behind_the_stem_halves_the_maps() -> None:
    clip = torch.randn(1, 4, 3, 32, 32)
    assert CSN(TINY).eval().maps(clip).shape[-1] * 2 == CSN(replace(TINY, stem_pool=False)).eval().maps(clip).shape[-1]


def test_a_clip_costs_both_networks_of_the_experiment_the_same() -> None:
    shape = (1, CONFIG.frames, 1, CONFIG.size, CONFIG.size)
    costs = {name: count_multiply_adds(lambda name=name: make_model(name), shape) for name in STEPS}
    assert costs["csn"] <= costs["full"] < 1.05 * costs["csn"]
    assert STEPS["csn"] == STEPS["full"]


def test_the_experiments_shapes_move_in_the_direction_of_their_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "NOISE", 0.0)
    clips, labels = proof.make_clips(64, seed=0)
    for clip, direction in zip(clips[:, :, 0], (labels % proof.DIRECTIONS).tolist(), strict=True):
        if direction in (0, 4):  # to the right, to the left: the same rows, shifted columns
            rows = clip.sum(2)
            assert torch.equal(rows[0], rows[-1])
            sign = 1 if direction == 0 else -1
            assert any(torch.equal(clip[1], clip[0].roll(sign * step, 1)) for step in (1, 2, 3))
