"""Split convolutions: their size, their order, and the networks of the paper."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convproof import outlines
from onlooker.methods.recognition.r2plus1d import VARIANTS, Config, R2Plus1d, proof
from onlooker.methods.recognition.r2plus1d.model import SplitConv, matching_inner
from onlooker.methods.recognition.r2plus1d.proof import make_model
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)


@given(st.integers(8, 512), st.integers(8, 512))
def test_the_inner_width_gives_the_parameters_of_the_full_convolution(inputs: int, outputs: int) -> None:
    inner = matching_inner(inputs, outputs)
    full = 27 * inputs * outputs
    assert full - (9 * inputs + 3 * outputs) < inner * (9 * inputs + 3 * outputs) <= full


def test_the_18_layer_networks_have_the_parameters_of_the_released_ones() -> None:
    # torchvision lists 31,505,325 and 33,371,472 for r2plus1d_18 and r3d_18 (from memory of its documentation)
    with torch.device("meta"):
        assert count_parameters(R2Plus1d(VARIANTS["paper_r18"])) == 31_505_325
        assert count_parameters(R2Plus1d(VARIANTS["paper_r3d_r18"])) == 33_371_472


@pytest.mark.parametrize("time_first", [True, False])
def test_strides_are_shared_out_and_the_order_is_as_said(time_first: bool) -> None:
    torch.manual_seed(0)
    conv = SplitConv(2, 5, 3, (2, 2, 2), time_first=time_first).eval()
    maps = torch.randn(1, 2, 4, 6, 6)
    first, second = (conv.time, conv.space) if time_first else (conv.space, conv.time)
    assert conv(maps).shape == (1, 3, 2, 3, 3)
    assert torch.equal(conv(maps), second(torch.relu(conv.norm(first(maps)))))


def test_the_experiments_networks_are_about_of_one_size() -> None:
    sizes = [count_parameters(make_model(name)) for name in ("r2plus1d", "r3d")]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_the_experiments_label_says_which_shape_follows_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "NOISE", 0.0)
    clips, labels = proof.make_clips(12, seed=0)
    shapes = outlines(proof.SIDE)
    for clip, label in zip(clips, labels.tolist(), strict=True):
        for frame, shape in ((0, label // proof.SHAPES), (-1, label % proof.SHAPES)):
            rows, columns = clip[frame, 0].nonzero().unbind(1)
            box = clip[frame, 0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert torch.equal(box.abs(), shapes[shape])


def test_the_experiments_shapes_are_of_either_contrast_whatever_the_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "NOISE", 0.0)
    clips, labels = proof.make_clips(800, seed=0)
    white = (clips.sum(dim=(2, 3, 4)) > 0).float()
    for label in range(proof.SHAPES**2):
        assert float(white[labels == label].mean()) == pytest.approx(0.5, abs=0.15)
    # the signs of two frames have nothing to do with each other
    assert float((white[:, 0] == white[:, 1]).float().mean()) == pytest.approx(0.5, abs=0.08)


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose time_first"):
        Config(form="sideways")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="spatial_strides"):
        Config(spatial_strides=(1, 2))
    assert Config(spatial_strides=2).spatial_strides == (2, 2, 2, 2)  # type: ignore[arg-type]
