"""Levels at several tempos, the flow between them, and training with their own classifiers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.tpn import TPN, Config
from onlooker.methods.recognition.tpn.model import _flow
from onlooker.training.objective import classification
from onlooker.training.recipe import Augment

torch.set_num_threads(1)
TINY = Config(
    frames=8, size=32, width=4, depths=(1, 1, 1), time_kernels=((1,), (3,), (3,)), rates=(1, 2, 4), pyramid_width=8,
    fused_width=16, classes=5,
)  # fmt: skip


def clip(frames: int = 8) -> torch.Tensor:
    return torch.randn(2, frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_each_level_has_its_own_tempo_and_all_the_same_resolution() -> None:
    model = TPN(TINY).eval()
    outputs = model.backbone(clip())
    levels = [level(outputs[stage]) for level, stage in zip(model.levels, TINY.levels, strict=True)]
    assert [level.shape[2] for level in levels] == [8, 4, 2]
    assert len({level.shape[3:] for level in levels}) == 1
    assert model.pyramid(outputs).shape[:3] == (2, 16, 2)


@pytest.mark.parametrize("frames", [1, 3, 5, 16])
def test_any_length_works(frames: int) -> None:
    assert TPN(TINY).eval()(clip(frames)).shape == (2, 5)


def test_the_flow_adds_what_came_before_at_its_own_length() -> None:
    slow, fast = torch.ones(1, 1, 2, 1, 1), torch.arange(4.0).view(1, 1, 4, 1, 1)
    down, up = _flow([slow, fast]), _flow([fast, slow])
    assert down[1].flatten().tolist() == [1, 2, 3, 4]
    assert up[1].flatten().tolist() == [2, 4]


def test_without_rates_it_is_the_plain_backbone() -> None:
    model = TPN(replace(TINY, rates=())).eval()
    assert_close(model.features(clip()), model.backbone(clip())[-1].mean((2, 3, 4)))
    assert model(clip(), auxiliary=True)[1] == []
    with pytest.raises(ConfigError, match="rates"):
        replace(TINY, rates=(1, 1, 1, 1))


def test_auxiliary_classifiers_learn_with_the_main_one() -> None:
    model = TPN(TINY)
    _, own = model(clip(), auxiliary=True)
    assert [part.shape for part in own] == [(2, 5), (2, 5)]
    loss = classification(model.spec, Augment(), 5)
    size = (2, model.config.frames, 3, model.config.size, model.config.size)
    batch = {"clips": torch.randint(256, size, dtype=torch.uint8), "labels": torch.tensor([0, 1])}
    loss(model, batch, torch.Generator()).backward()
    assert all(float(linear.weight.grad.abs().max()) > 0 for linear in model.auxiliary)
