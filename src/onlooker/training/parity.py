"""Recorded functions of PyTorchVideo (clip samplers, sizes, crops, boxes, targets) against ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.data.transforms.boxes import clip_boxes, scale_boxes
from onlooker.data.transforms.geometry import short_side_scale, uniform_crop
from onlooker.data.transforms.time import pathways
from onlooker.training.mixing import smooth_targets, soft_cross_entropy
from onlooker.video.sampling import Interval, constant_clips, subsample, uniform_clips

Triple = tuple[str, Any, Any]


def parity(folder: str | Path) -> Iterator[Triple]:
    """(name, ours, reference) for every recorded output; sizes and arguments are read from the names.

    Clips of the fixture are `(channel, time, height, width)`, as PyTorchVideo has them.
    """
    folder = Path(folder)
    inputs, outputs = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    video = inputs["video_CTHW"]
    for name, reference in outputs.items():
        yield name, _ours(name, inputs, video, reference), reference
    samplers = folder / "clip_sampling.json"
    if samplers.is_file():
        for sampler, cases in json.loads(samplers.read_text()).items():
            for number, case in enumerate(cases):
                ours = _clips(sampler, case)
                yield f"{sampler}/{number}", np.array(ours, np.float64), np.array(case["clips"], np.float64)


def _ours(name: str, inputs: dict[str, Tensor], video: Tensor, reference: Tensor) -> Tensor:
    numbers = [float(word) for word in re.findall(r"(?<![a-z])\d+(?:\.\d+)?", name)]
    height, width = video.shape[-2:]
    if name.startswith("uniform_temporal_subsample"):
        return torch.from_numpy(subsample(video.shape[1], int(numbers[0]))).float()
    if name.startswith("short_side_scale"):
        # fewer frames than the input has were recorded for some sizes
        return short_side_scale(video[:, : reference.shape[1]], int(numbers[0]))
    if name.startswith("uniform_crop"):
        return uniform_crop(video, int(numbers[0]), int(name[-1]))
    if name.startswith("slowfast_pathways"):
        return pathways(video, (4, 1), dim=1)[int(numbers[0])]
    if name.startswith("boxes_after_short_side"):
        after = short_side_scale(video[:1, :1], int(numbers[0])).shape[-2:]
        return scale_boxes(inputs["boxes_xyxy"], (height, width), (after[0], after[1]), by="long_side")
    if name == "boxes_clipped":
        return clip_boxes(inputs["boxes_xyxy"], height, width)
    if name.startswith("one_hot_smooth"):
        return smooth_targets(inputs["labels"], int(numbers[1]), numbers[0])
    if name == "soft_target_cross_entropy":
        return soft_cross_entropy(inputs["logits"], inputs["soft_labels"]).reshape(1)
    raise KeyError(f"nothing here computes {name}")


def _clips(sampler: str, case: dict[str, Any]) -> list[list[float]]:
    """[start, end, clip index, augmentation index, is last] until the last clip."""
    duration, clip = float(Fraction(case["video_duration"])), float(Fraction(case["clip_duration"]))
    if sampler == "uniform":
        stride = None if case["stride"] is None else float(Fraction(case["stride"]))
        last = "back" if case["backpad_last"] else "drop"
        return _numbered(uniform_clips(duration, clip, stride=stride, last=last), 1)  # type: ignore[arg-type]
    if sampler == "constant_clips_per_video":
        return _numbered(constant_clips(duration, clip, case["clips_per_video"]), case["augs_per_clip"])
    raise KeyError(f"there is no sampler {sampler!r} here")


def _numbered(clips: Sequence[Interval], augmentations: int) -> list[list[float]]:
    rows = [[*clip, number, again, 0] for number, clip in enumerate(clips) for again in range(augmentations)]
    rows[-1][-1] = 1
    return rows
