"""One clip in, two rates inside; lateral connections go one way; what the experiment hides from the slow pathway."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from onlooker.errors import ConfigError
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.regions import ActionDetector
from onlooker.methods.recognition.slowfast import Config, SlowFast
from onlooker.methods.recognition.slowfast.convert import gluoncv, pytorchvideo
from onlooker.methods.recognition.slowfast.proof import CONFIG, make_clips, make_model
from onlooker.nn.counting import count_multiply_adds

torch.set_num_threads(1)
TINY = Config(
    frames=16, size=32, width=8, depths=(1, 1), slow_kernels=((1,), (3,)), fast_kernels=((3,), (3,)), classes=3
)


def clip(frames: int = 16) -> torch.Tensor:
    return torch.randn(2, frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("behavior", "frames"), [("gluoncv", [0, 4, 8, 12]), ("pytorchvideo", [0, 5, 10, 15])])
def test_which_frames_the_slow_pathway_sees(behavior: str, frames: list[int]) -> None:
    model = SlowFast(replace(TINY, behavior=behavior)).eval()  # type: ignore[arg-type]
    assert torch.equal(model.slow_frames(clip()), clip()[:, frames])
    assert torch.equal(model(clip()), model.forward_pathways(clip()[:, frames], clip()))


def test_the_clip_is_a_multiple_of_alpha() -> None:
    model = SlowFast(TINY).eval()
    assert model(clip(32)).shape == (2, 3)
    assert model(clip(4)).shape == (2, 3)
    with pytest.raises(ConfigError, match="multiple of alpha"):
        model(clip(14))
    with pytest.raises(ConfigError, match="multiple"):
        replace(TINY, frames=6)
    with pytest.raises(ConfigError, match="divisor"):
        replace(TINY, width=12)


def test_the_fast_pathway_hears_nothing_of_the_slow_one() -> None:
    model = SlowFast(TINY).eval()
    for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm3d)):
        torch.nn.init.ones_(norm.weight)
    fast = clip().transpose(1, 2)
    slow = fast[:, :, ::4]
    with torch.no_grad():
        first, changed = model.maps(slow, fast), model.maps(slow + 1, fast)
        back = model.maps(slow, fast + 1)
    assert torch.equal(first[1], changed[1])
    assert not torch.allclose(first[0], changed[0])
    assert not torch.allclose(first[0], back[0])


def test_only_the_first_six_blocks_of_the_16x8_network_look_over_time(tmp_path: Path) -> None:
    """The list of kernels, which no repeated pattern gives, survives export and conversion."""
    kernels = ((1,), (1,), (3, 3, 1), (3,))
    config = replace(TINY, depths=(1, 1, 3, 1), slow_kernels=kernels, fast_kernels=((3,), (3,), (3, 3, 1), (3,)))
    save_file(pytorchvideo().export(SlowFast(config).state_dict()), tmp_path / "official.safetensors")
    settings = {name: getattr(config, name) for name in ("frames", "stride", "size", "alpha")}
    convert(tmp_path / "official.safetensors", "slowfast", tmp_path / "w.safetensors", settings=settings)
    assert load("slowfast", tmp_path / "w.safetensors").config.slow_kernels == kernels


def test_a_file_says_by_its_names_whose_frames_and_colours_it_wants(tmp_path: Path) -> None:
    kernels = {"slow_kernels": ((1,), (1,), (3,), (3,)), "fast_kernels": ((3,),) * 4}
    config = replace(TINY, depths=(1, 1, 1, 1), **kernels)
    told = {name: getattr(config, name) for name in ("frames", "stride", "size", "alpha")}
    for layout, names, mean in (("pytorchvideo", pytorchvideo(), 0.45), ("gluoncv", gluoncv(), 0.485)):
        save_file(names.export(SlowFast(config).state_dict()), tmp_path / "official.safetensors")
        done = convert(tmp_path / "official.safetensors", "slowfast", tmp_path / "w.safetensors", settings=told)
        model = load("slowfast", tmp_path / "w.safetensors")
        assert (done.layout, model.config.behavior, model.spec.mean[0]) == (layout, layout, mean)


def test_detection_joins_both_pathways() -> None:
    model = SlowFast(replace(TINY, dilate_last=True)).eval()
    logits = ActionDetector(model, scale=1 / 4)(clip(), torch.tensor([[1.0, 0, 0, 16, 16]]))
    assert logits.shape == (1, 3)


def test_the_baseline_of_the_experiment_is_no_cheaper() -> None:
    shape = (1, CONFIG.frames, 1, CONFIG.size, CONFIG.size)
    costs = {name: count_multiply_adds(lambda name=name: make_model(name), shape) for name in ("slowfast", "slow")}
    assert costs["slowfast"] <= costs["slow"] < 1.15 * costs["slowfast"]


def test_every_alpha_th_frame_of_the_experiment_says_nothing_of_the_direction() -> None:
    clips, labels = make_clips(400, seed=0)
    places = [(part - part[:, :1]).abs().mean() for part in (clips[:, :: CONFIG.alpha], clips)]
    assert places[0] < places[1]
    slow = clips[:, :: CONFIG.alpha].mean(dim=1)
    still = [slow[labels == label].mean() for label in range(4)]
    assert abs(float(still[0] - still[1])) < 0.01
