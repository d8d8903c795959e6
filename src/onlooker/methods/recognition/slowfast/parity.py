"""Reads fixtures of pytorchvideo's and GluonCV's SlowFast (any size) and compares every recorded tensor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.comparison import Tolerance
from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.slowfast.config import Config
from onlooker.methods.recognition.slowfast.convert import convert
from onlooker.methods.recognition.slowfast.model import SlowFast
from onlooker.nn.residual3d import window_average
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor] | tuple[str, Tensor, Tensor, Tolerance]]:
    """Name, our tensor and the recorded one, for each output of the fixture."""
    config = json.loads((folder / "config.json").read_text())
    inputs = load_file(folder / "inputs.safetensors")
    recorded = load_file(folder / "outputs.safetensors")
    if "all_arguments" in config:
        arguments = config["all_arguments"]
        model = _model(folder, arguments["slowfast_fusion_conv_stride"][0], inputs["fast"])
        ours = run_blocks(model, inputs["slow"].transpose(1, 2), inputs["fast"].transpose(1, 2), arguments)
        yield from ((name, ours[name], recorded[name]) for name in recorded if name in ours)
        return
    model = _model(folder, config["alpha"], inputs["clip"])
    ours = run_clip(model, inputs["clip"].transpose(1, 2))
    for name, reference in recorded.items():
        if name in ours:
            # the fixture's README allows 1e-4 of each tensor's standard deviation
            yield name, ours[name], reference, Tolerance(absolute=1e-4 * float(reference.std()))


def _model(folder: Path, alpha: int, clip: Tensor) -> SlowFast:
    settings = {"alpha": alpha, "frames": clip.shape[2], "size": clip.shape[4]}
    converted = convert(load_file(folder / "weights.safetensors"), settings=settings)
    model = SlowFast(Config(**converted.config)).eval()
    load_weights(model, converted.state)
    return model


@torch.no_grad()
def run_blocks(model: SlowFast, slow: Tensor, fast: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """pytorchvideo's blocks: stems and stages with the fusion that follows them, the pooled maps, and the output."""
    channels = model.config.channels
    slow, fast = model.slow.stem(channels_first(slow, channels)), model.fast.stem(channels_first(fast, channels))
    kept: dict[str, Tensor] = {}
    steps = zip(model.laterals, model.slow.stages, model.fast.stages, strict=True)
    for number, (lateral, slow_stage, fast_stage) in enumerate(steps):
        slow = torch.cat((slow, lateral(fast)), dim=1)
        kept[f"block{number}_pathway0"], kept[f"block{number}_pathway1"] = slow, fast
        slow, fast = slow_stage(slow), fast_stage(fast)
    last = len(model.laterals)
    kept[f"block{last}_pathway0"], kept[f"block{last}_pathway1"] = slow, fast
    windows = arguments["head_pool_kernel_sizes"]
    pooled = torch.cat((window_average(slow, tuple(windows[0])), window_average(fast, tuple(windows[1]))), dim=1)
    answers = model.head(pooled.movedim(1, -1))
    if arguments["head_activation"] == "Softmax":
        answers = answers.softmax(dim=-1)
    return {**kept, f"block{last + 1}": pooled, "output": answers.mean(dim=(1, 2, 3))}


@torch.no_grad()
def run_clip(model: SlowFast, clip: Tensor) -> dict[str, Tensor]:
    """GluonCV's outputs from one clip at the fast rate, maps averaged over space."""
    kept: dict[str, Tensor] = {}
    slow, fast = model.slow_frames(clip).transpose(1, 2), clip.transpose(1, 2)
    slow, fast = model.slow.stem(slow), model.fast.stem(fast)
    steps = zip(model.laterals, model.slow.stages, model.fast.stages, strict=True)
    for number, (lateral, slow_stage, fast_stage) in enumerate(steps):
        aside = lateral(fast)
        slow, fast = slow_stage(torch.cat((slow, aside), dim=1)), fast_stage(fast)
        name = "p1" if number == 0 else f"res{number + 1}"
        means = {f"lateral_{name}": aside, f"slow_res{number + 2}": slow, f"fast_res{number + 2}": fast}
        kept |= {f"{part}_spatial_mean": maps.mean(dim=(3, 4)) for part, maps in means.items()}
    pooled = model.pool(slow, fast).mean(dim=(2, 3, 4))
    return {**kept, "pooled_features": model.features(clip), "logits": model.head(pooled)}
