"""Channels stay apart in the depthwise convolutions; the experiment's budget is as said."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.csn import CSN, Config
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
