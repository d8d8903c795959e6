"""What the convolutional clip classifiers share: the interface, and the names of the official checkpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.recognition.classifier import ClipClassifier
from onlooker.methods.recognition.convspec import Kernels, repeated
from onlooker.nn.residual3d import Maps
from onlooker.weights.inputs import InputSpec

Clip = Float[Tensor, "batch time channel height width"]


class ConvClassifier(ClipClassifier, ABC):
    """Maps, averaged over windows, through dropout and one linear layer.

    A method gives `positions`: what the linear layer sees at each place. Its mean is `features`; being linear, the
    layer gives for that mean the mean of its answers at all places, which is what the released networks compute.
    """

    def __init__(self, config: Any, spec: InputSpec, *, width: int) -> None:
        super().__init__(config, spec)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, config.classes)

    @abstractmethod
    def positions(self, clip: Clip) -> Maps:
        """The averaged maps `(batch, width, time, height, width)`, one position for a clip of the trained size."""

    def features(self, clip: Clip) -> Float[Tensor, "batch width"]:
        """One vector per clip: the mean of the positions, which the linear layer sees."""
        return self.positions(clip).mean(dim=(2, 3, 4))

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits


def channels_first(clip: Clip, channels: int) -> Maps:
    """`(batch, channel, time, height, width)`. Raises ConfigError for a clip of another layout."""
    if clip.ndim != 5 or clip.shape[2] != channels:
        raise ConfigError(
            f"a clip has the axes (batch, time, channel, height, width) with {channels} channels; this one has shape "
            f"{tuple(clip.shape)}. Move the channel axis to position 2."
        )
    return clip.transpose(1, 2)


def described(
    found: Mapping[str, Any], variants: Mapping[str, Any], variant: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The configuration of a checkpoint: numbers found in its shapes, the others from the variant, then `settings`.

    Without `variant` the only one that fits gives the others; where several fit, these numbers stay unknown unless
    all of them agree. Raises IncompatibleCheckpoint when the file is not the variant that was asked for.
    """
    if variant:
        if other := _differences(found, asdict(variants[variant])):
            raise IncompatibleCheckpoint(f"the file is not {variant}: {', '.join(other)}.", mismatched=other)
        fitting = [asdict(variants[variant])]
    else:
        tables = [asdict(config) for config in variants.values()]
        fitting = [table for table in tables if not _differences(found, table)] or tables
    first = fitting[0]
    agreed = {key: value for key, value in first.items() if all(table[key] == value for table in fitting)}
    return {**agreed, **found, **settings}


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Numbers of the file that are not those of the variant; the classes may differ."""
    return [
        f"{key} is {value} instead of {wanted[key]}"
        for key, value in found.items()
        if key != "classes" and wanted[key] != value
    ]


def require(state: Mapping[str, Tensor], names: Sequence[str], method: str) -> None:
    """Raises IncompatibleCheckpoint when a name that tells the configuration is missing."""
    if missing := [name for name in names if name not in state]:
        raise IncompatibleCheckpoint(f"no {method}: {', '.join(missing)} cannot be found.", missing=missing)


def depths_of(state: Mapping[str, Tensor], prefix: str) -> tuple[int, ...]:
    """Blocks per stage, counted from names such as `stages.0.2.conv_a.weight` behind `prefix`."""
    depths: dict[int, int] = {}
    for name in state:
        if name.startswith(f"{prefix}stages."):
            stage, block = (int(part) for part in name[len(prefix) :].split(".")[1:3])
            depths[stage] = max(depths.get(stage, 0), block + 1)
    return tuple(depths[stage] for stage in sorted(depths))


def kernels_of(state: Mapping[str, Tensor], prefix: str, depths: Sequence[int]) -> Kernels:
    """For each stage the shortest list of temporal kernels of `conv_a` that, repeated, gives those of its blocks."""
    patterns: list[tuple[int, ...]] = []
    for stage, depth in enumerate(depths):
        names = [f"{prefix}stages.{stage}.{block}.conv_a.weight" for block in range(depth)]
        require(state, names, "residual network")
        kernels = tuple(state[name].shape[2] for name in names)
        patterns.append(next(kernels[:n] for n in range(1, depth + 1) if repeated(kernels[:n], depth) == kernels))
    return tuple(patterns)


def block_rules(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Names of one residual stage in pytorchvideo's files (`theirs` is its block, `ours` our stage)."""
    block = f"{theirs}.res_blocks.{{j}}"
    return (
        (f"{block}.branch1_conv.{{kind}}", f"{ours}.{{j}}.shortcut.conv.{{kind}}"),
        (f"{block}.branch1_norm.{{kind}}", f"{ours}.{{j}}.shortcut.norm.{{kind}}"),
        (f"{block}.branch2.{{rest*}}", f"{ours}.{{j}}.{{rest*}}"),
    )


def resnet_rules(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Names of one residual stage in the way of ResNet files: `conv1`, `bn1`, `downsample.0` and so on."""
    rules = [
        (f"{theirs}.{{j}}.downsample.0.{{kind}}", f"{ours}.{{j}}.shortcut.conv.{{kind}}"),
        (f"{theirs}.{{j}}.downsample.1.{{kind}}", f"{ours}.{{j}}.shortcut.norm.{{kind}}"),
    ]
    for number, letter in enumerate("abc", start=1):
        rules.append((f"{theirs}.{{j}}.conv{number}.{{kind}}", f"{ours}.{{j}}.conv_{letter}.{{kind}}"))
        rules.append((f"{theirs}.{{j}}.bn{number}.{{kind}}", f"{ours}.{{j}}.norm_{letter}.{{kind}}"))
    return tuple(rules)


WRAPPERS = ("module.", "model.", "model_state.")
"""Prefixes that training programs put before every name."""
