"""Multiply-adds of a network as a differentiable function of the gates of its choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from onlooker.methods.recognition.auto_tsnet.blocks import LATERAL_KERNEL, WAYS, expanded, squeezed
from onlooker.methods.recognition.auto_tsnet.model import STEM_TIMES
from onlooker.methods.recognition.auto_tsnet.space import STREAMS, Choices, Space

Gates = Mapping[str, Float[Tensor, " options"]]
Cost = Callable[[Space, Gates], Float[Tensor, ""]]
"""What a search holds against its target; `multiply_adds` here, but latency tables are as good."""


def one_hot(space: Space, choices: Choices) -> dict[str, Float[Tensor, " options"]]:
    """Gates that are 1 for what was chosen and 0 for all else."""
    return {
        name: torch.tensor([float(value == choices[name]) for value in values])
        for name, values in space.options.items()
    }


def mean(values: Sequence[float], gates: Float[Tensor, " options"]) -> Float[Tensor, ""]:
    """The expectation of numbers under gates."""
    return (gates * torch.as_tensor(list(values), dtype=gates.dtype, device=gates.device)).sum()


def multiply_adds(space: Space, gates: Gates) -> Float[Tensor, ""]:
    """Expected multiply-adds of one clip of `space.base`.

    Variables count as independent of one another. With one-hot gates this is exactly what the network costs.
    """
    base = space.base
    total = torch.zeros(())
    for number, stream in enumerate(STREAMS):
        total = total + _stream(space, gates, stream, number)
    side = -(-base.size // 2)
    for g in range(len(base.fusions)):
        side = -(-side // 2)
        total = total + _fusion(space, gates, g, side)
    return total + sum(base.heads) * base.classes


def _stream(space: Space, gates: Gates, stream: str, number: int) -> Tensor:
    base = space.base
    frames = (base.slow_frames, base.frames)[number]
    width, side = base.stems[number], -(-base.size // 2)
    total = torch.as_tensor(float(frames * side**2 * width * (9 * base.channels + STEM_TIMES[number])))
    inputs: tuple[Sequence[float], Tensor] = ((width,), torch.ones(1))
    for g, blocks in enumerate(getattr(base, stream)):
        name = f"{stream}.{g}.width"
        outputs = (space.options[name], gates[name])
        for b in range(len(blocks)):
            before, side = side, -(-side // 2) if b == 0 else side
            places = (frames * before**2, frames * side**2)
            total = total + _block(space, gates, f"{stream}.{g}.{b}", inputs, mean(*outputs), places)
            inputs = outputs
    return total + frames * side**2 * mean(*inputs) * base.heads[number]


def _block(
    space: Space,
    gates: Gates,
    name: str,
    inputs: tuple[Sequence[float], Tensor],
    outputs: Tensor,
    places: tuple[int, int],
) -> Tensor:
    def expected(variable: str, power: int = 1) -> Tensor:
        values = space.options[f"{name}.{variable}"]
        return mean([value**power for value in values], gates[f"{name}.{variable}"])

    widths, rates = inputs[0], space.options[f"{name}.expansion"]
    joint = torch.outer(inputs[1], gates[f"{name}.expansion"]).flatten()
    pairs = [(int(width), expanded(int(width), rate)) for width in widths for rate in rates]
    inner = mean([size for _, size in pairs], joint)
    cost = places[0] * mean([width * size for width, size in pairs], joint)
    cost = cost + places[1] * inner * (expected("time") * expected("space", 2) + outputs)
    attentions = space.options[f"{name}.attention"]
    extra = {
        "none": torch.zeros(()),
        "squeeze": mean([2 * size * squeezed(size) for _, size in pairs], joint),
        "spacetime": places[1] * 27 * inner,
    }
    for attention, gate in zip(attentions, gates[f"{name}.attention"], strict=True):
        cost = cost + gate * extra[attention]
    return cost


def _fusion(space: Space, gates: Gates, g: int, side: int) -> Tensor:
    base = space.base
    slow, fast = (mean(space.options[f"{stream}.{g}.width"], gates[f"{stream}.{g}.width"]) for stream in STREAMS)
    plain = base.slow_frames * side**2 * slow * fast
    factors = {"conv": LATERAL_KERNEL, "sample": 1, "channels": base.alpha, "back": 1}
    costs = [sum(factors[way] for way in WAYS[option]) for option in space.options[f"fusion.{g}"]]
    return plain * mean(costs, gates[f"fusion.{g}"])
