"""Temporal kernels decide what a network knows of order; files tell what they can; detection reads boxes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.regions import ActionDetector
from onlooker.methods.recognition.resnet3d import Config, ResNet3d
from onlooker.methods.recognition.resnet3d.config import I3D
from onlooker.methods.recognition.resnet3d.convert import gluoncv, pytorchvideo
from onlooker.methods.recognition.resnet3d.proof import KERNELS, make_clips
from onlooker.nn.roi import roi_align

torch.set_num_threads(1)
TINY = Config(frames=4, size=32, width=4, depths=(1, 1, 1), time_kernels=KERNELS["slow"], classes=3)


def clip(frames: int = 4, size: int = 32) -> torch.Tensor:
    return torch.randn(2, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", KERNELS)
def test_only_temporal_kernels_know_the_order_of_frames(name: str) -> None:
    torch.manual_seed(0)
    config = Config(**{**_fields(TINY), "time_kernels": KERNELS[name], "halve_time": name != "slow"})
    model = ResNet3d(config).eval()
    for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm3d)):
        torch.nn.init.ones_(norm.weight)
    with torch.no_grad():
        change = float((model(clip()) - model(clip().flip(1))).abs().max())
    assert (change < 1e-5) if name == "c2d" else (change > 1e-4)


def _fields(config: Config) -> dict:
    return {name: getattr(config, name) for name in config.__slots__}


def test_a_single_frame_is_enough_even_where_time_is_halved() -> None:
    model = ResNet3d(Config(**{**_fields(TINY), "halve_time": True})).eval()
    assert model(clip(1)).shape == (2, 3)


def test_impossible_configurations_are_refused() -> None:
    for changes, words in (
        ({"time_kernels": ((1,), (2,), (3,))}, "odd"),
        ({"time_kernels": ((1,),)}, "one pattern each"),
        ({"stem_time": 4}, "odd"),
        ({"behavior": "caffe"}, "pytorchvideo"),
    ):
        with pytest.raises(ConfigError, match=words):
            Config(**{**_fields(TINY), **changes})


def official(tmp_path: Path, config: Config) -> Path:
    torch.manual_seed(0)
    state = pytorchvideo(halve_time=config.halve_time).export(ResNet3d(config).state_dict())
    save_file(state, tmp_path / "official.safetensors")
    return tmp_path / "official.safetensors"


SMALL = Config(frames=4, size=32, width=4, depths=(1, 1, 1, 1), classes=3)


def test_what_shapes_do_not_tell_is_asked_for(tmp_path: Path) -> None:
    done = convert(official(tmp_path, SMALL), "resnet3d", tmp_path / "w.safetensors")
    assert set(done.unknown) == {"frames", "stride"}
    with pytest.raises(ConfigError, match="frames"):
        load("resnet3d", tmp_path / "w.safetensors")
    model = load("resnet3d", tmp_path / "w.safetensors", settings={"frames": 4, "stride": 2})
    assert (model.config.frames, model.config.width) == (4, 4)


def test_a_file_of_another_size_is_not_the_variant(tmp_path: Path) -> None:
    with pytest.raises(IncompatibleCheckpoint, match="width is 4 instead of 64"):
        convert(official(tmp_path, SMALL), "resnet3d", tmp_path / "w.safetensors", variant="slow_r50_8x8")


def test_preprocessing_and_labels_travel_with_the_file(tmp_path: Path) -> None:
    settings = {"frames": 4, "stride": 3, "size": 32}
    file = official(tmp_path, SMALL)
    done = convert(file, "resnet3d", tmp_path / "w.safetensors", settings=settings, labels=("a", "b", "c"))
    assert json.loads(done.card.config)["time_kernels"] == [[1], [1], [3], [3]]
    model = load("resnet3d", tmp_path / "w.safetensors")
    assert model.labels == ("a", "b", "c")
    assert (model.spec.frames, model.spec.stride, model.spec.crop, model.spec.views) == (4, 3, 36, 3)
    assert model.spec.mean == (0.45, 0.45, 0.45)


def test_detection_reads_the_maps_at_each_box() -> None:
    torch.manual_seed(0)
    model = ResNet3d(Config(**{**_fields(TINY), "dilate_last": True})).eval()
    boxes = torch.tensor([[0.0, 2, 2, 20, 30], [1.0, 5, 5, 9, 9], [0.0, 0, 0, 32, 32]])
    detector = ActionDetector(model, scale=1 / 8)
    logits = detector(clip(), boxes)
    assert logits.shape == (3, 3)
    maps = model.maps(clip())
    assert maps.shape[-1] == 4
    cut = roi_align(maps.mean(2), boxes, (7, 7), scale=1 / 8, aligned=False)
    assert_close(logits, model.head(cut.amax((2, 3))))
    assert_close(detector(clip(), boxes[1:2]), logits[1:2])


def test_the_experiments_classes_hold_the_same_frames() -> None:
    clips, labels = make_clips(20, seed=0)
    assert torch.equal(clips[::2], clips[1::2].flip(1))
    assert labels.tolist() == [0, 1] * 10
    assert not torch.equal(clips, make_clips(20, seed=1)[0])


def resnet_names(tmp_path: Path, **changes: object) -> tuple[ResNet3d, dict[str, torch.Tensor]]:
    """An I3D network of GluonCV's depths of 101 layers, narrow, and its state under the names of ResNet files."""
    config = Config(**{**_fields(SMALL), "depths": (3, 4, 23, 3), "time_kernels": I3D, "stem_time": 5, **changes})
    torch.manual_seed(0)
    model = ResNet3d(config).eval()
    return model, gluoncv().export(model.state_dict())


def test_an_i3d_file_in_resnet_names_tells_its_kernels_but_not_its_pool(tmp_path: Path) -> None:
    model, state = resnet_names(tmp_path, behavior="gluoncv", halve_time=True)
    save_file(state, tmp_path / "i3d.safetensors")
    done = convert(tmp_path / "i3d.safetensors", "resnet3d", tmp_path / "w.safetensors")
    assert {"halve_time", "frames"} <= set(done.unknown)
    told = {"frames": 4, "stride": 8, "size": 32, "halve_time": True}
    convert(tmp_path / "i3d.safetensors", "resnet3d", tmp_path / "w.safetensors", settings=told)
    again = load("resnet3d", tmp_path / "w.safetensors")
    assert again.config == model.config
    assert torch.equal(again(clip()), model(clip()))


def test_non_local_blocks_are_refused_and_listed(tmp_path: Path) -> None:
    _, state = resnet_names(tmp_path)
    added = {"layer2.1.nl.theta.weight": torch.ones(2), "layer2.1.nl.phi.weight": torch.ones(2)}
    save_file({**state, **added}, tmp_path / "nl.safetensors")
    with pytest.raises(IncompatibleCheckpoint) as caught:
        convert(tmp_path / "nl.safetensors", "resnet3d", tmp_path / "w.safetensors")
    assert set(caught.value.unexpected) == set(added)
