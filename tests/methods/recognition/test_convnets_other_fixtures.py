"""Fixtures of other sizes, strides and kernels than the shared ones are read as they describe themselves.

Made from our own networks, so they say nothing of the originals; they say that no size is taken for granted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from onlooker.methods.parity import run_parity
from onlooker.methods.recognition.csn import CSN
from onlooker.methods.recognition.csn import Config as CSNConfig
from onlooker.methods.recognition.csn.convert import pytorchvideo as csn_names
from onlooker.methods.recognition.csn.parity import run as run_csn
from onlooker.methods.recognition.resnet3d import Config, ResNet3d
from onlooker.methods.recognition.resnet3d.convert import pytorchvideo as resnet_names
from onlooker.methods.recognition.resnet3d.parity import run as run_resnet
from onlooker.methods.recognition.x3d import X3D, expanded
from onlooker.methods.recognition.x3d import Config as X3DConfig
from onlooker.methods.recognition.x3d.convert import pytorchvideo as x3d_names
from onlooker.methods.recognition.x3d.parity import run as run_x3d

torch.set_num_threads(1)


def write(folder: Path, arguments: dict[str, Any], state: Any, clip: torch.Tensor, outputs: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"all_arguments": arguments}))
    for name, tensors in (("weights", state), ("inputs", {"video": clip.transpose(1, 2)}), ("outputs", outputs)):
        plain = {key: value.detach().contiguous().clone() for key, value in tensors.items()}
        save_file(plain, folder / f"{name}.safetensors")
    return folder


def check(folder: Path) -> None:
    (result,) = run_parity(folder)
    assert result.status == "within", result.problem
    assert result.uncompared == ()
    assert result.max_absolute == 0


@pytest.mark.parametrize("activation", [None, "Softmax"])
def test_i3d_with_its_pool_on_a_larger_clip_than_the_head_expects(tmp_path: Path, activation: str | None) -> None:
    torch.manual_seed(0)
    kernels = ((3,), (3, 1), (3, 1), (1, 3))
    config = Config(width=4, depths=(1, 2, 3, 2), stem_time=5, time_kernels=kernels, halve_time=True, classes=3)
    model, clip = ResNet3d(config).eval(), torch.randn(1, 6, 3, 96, 80)
    arguments = {
        "stage_spatial_h_stride": [1, 2, 2, 2],
        "stage_temporal_stride": [1, 1, 1, 1],
        "stage_conv_b_kernel_size": [[1, 3, 3]] * 4,
        "head_pool_kernel_size": [3, 2, 2],
        "head_activation": activation,
    }
    names, outputs = resnet_names(halve_time=True), run_resnet(model, clip, arguments)
    assert "block6" not in outputs
    assert outputs["block5"].shape[2:] == (3, 3, 3)
    check(write(tmp_path / "i3d" / "wide", arguments, names.export(model.state_dict()), clip, outputs))


def test_csn_with_a_pool_behind_the_stem(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CSN(CSNConfig(width=4, depths=(1, 1, 2, 1), classes=3)).eval()
    clip = torch.randn(1, 9, 3, 64, 48)
    arguments = {
        "stage_spatial_stride": [1, 2, 2, 2],
        "stage_temporal_stride": [1, 2, 2, 2],
        "stem_pool": "MaxPool3d",
        "head_pool_kernel_size": [2, 1, 1],
        "head_activation": "Softmax",
    }
    outputs = run_csn(model, clip, arguments)
    check(write(tmp_path / "csn" / "pooled", arguments, csn_names().export(model.state_dict()), clip, outputs))


def test_x3d_of_other_factors(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = expanded(1.0, 0.4)
    config = X3DConfig(frames=3, size=64, inner=1.5, gate=0.25, head_width=16, classes=3, **sizes)
    model, clip = X3D(config).eval(), torch.randn(1, 5, 3, 96, 96)
    arguments = {
        "input_clip_length": 3,
        "input_crop_size": 64,
        "width_factor": 1.0,
        "depth_factor": 0.4,
        "stem_dim_in": 12,
        "bottleneck_factor": 1.5,
        "se_ratio": 0.25,
        "head_bn_lin5_on": False,
        "head_activation": "Softmax",
    }
    outputs = run_x3d(model, clip, arguments)
    check(write(tmp_path / "x3d" / "other", arguments, x3d_names().export(model.state_dict()), clip, outputs))
