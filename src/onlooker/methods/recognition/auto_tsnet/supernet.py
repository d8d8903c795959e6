"""One network that holds all networks of a space: maximal weights, and gates that say how much of each is used.

Its names are those of a found network. With one-hot gates it computes what that network computes with these weights cut
to size (`cut_weights`), so a search trains what it chooses from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from onlooker.methods.recognition.auto_tsnet.blocks import (
    WAYS,
    Lateral,
    SpaceTime,
    Squeeze,
    cross,
    expanded,
    lateral_conv,
    squeezed,
    stem,
)
from onlooker.methods.recognition.auto_tsnet.cost import Gates
from onlooker.methods.recognition.auto_tsnet.model import STEM_TIMES, AutoTSNet, Clip, LastConv, initialise, split
from onlooker.methods.recognition.auto_tsnet.space import STREAMS, Choices, Space
from onlooker.nn.residual3d import ONE, Maps, conv3d

Mask = Float[Tensor, " channels"]


class Supernet(nn.Module):
    """`forward(clip, gates)` gives logits; `gates` draws them from the architecture's parameters `alpha`.

    >>> from onlooker.methods.recognition.auto_tsnet.config import TINY, Config
    >>> space = Space.around(Config(**TINY), times=(1, 3))
    >>> net = Supernet(space)
    >>> net(torch.zeros(2, 4, 3, 16, 16), net.gates(1.0)).shape
    torch.Size([2, 5])
    """

    def __init__(self, space: Space, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        base, self.space = space.base, space
        self.slow, self.fast = (SuperStream(space, stream) for stream in STREAMS)
        self.fusions = nn.ModuleList(SuperFusion(space, g) for g in range(len(base.fusions)))
        self.slow_last = LastConv(max(self.slow.widths), base.heads[0])
        self.fast_last = LastConv(max(self.fast.widths), base.heads[1])
        self.head = nn.Linear(sum(base.heads), base.classes)
        self.alpha = nn.ParameterDict({_key(name): torch.zeros(len(space.options[name])) for name in space.free()})
        initialise(self, generator)

    def weights(self) -> list[nn.Parameter]:
        """All parameters that are not the architecture's."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("alpha.")]

    def gates(self, temperature: float, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Gumbel-softmax of every variable (arXiv:1611.01144); without a generator the plain softmax, no noise."""
        gates = {}
        for name, values in self.space.options.items():
            if len(values) == 1:
                gates[name] = torch.ones(1)
                continue
            scores = self.alpha[_key(name)]
            if generator is not None:
                uniform = torch.rand(len(values), generator=generator).clamp(1e-9, 1 - 1e-9)
                scores = scores - (-uniform.log()).log().to(scores)
            gates[name] = (scores / temperature).softmax(dim=0)
        return gates

    def best(self) -> dict[str, object]:
        """The option with the largest parameter for every variable."""
        return {
            name: values[int(self.alpha[_key(name)].argmax())] if len(values) > 1 else values[0]
            for name, values in self.space.options.items()
        }

    def draw(self, generator: torch.Generator) -> dict[str, object]:
        """One option of every variable, as likely as the architecture's parameters say."""
        choices = {}
        for name, values in self.space.options.items():
            choices[name] = values[0]
            if len(values) > 1:
                shares = self.alpha[_key(name)].detach().softmax(dim=0).cpu()
                choices[name] = values[int(torch.multinomial(shares, 1, generator=generator))]
        return choices

    def forward(self, clip: Clip, gates: Gates) -> Float[Tensor, "batch classes"]:
        slow, fast = split(clip, self.space.base)
        slow, fast = self.slow.stem(slow), self.fast.stem(fast)
        for g, fusion in enumerate(self.fusions):
            slow, fast = self.slow.group(g, slow, gates), self.fast.group(g, fast, gates)
            slow, fast = fusion(slow, fast, gates)
        features = torch.cat((self.slow_last(slow), self.fast_last(fast)), dim=1)
        logits: Tensor = self.head(features)
        return logits

    def derived(self, clip: Clip, choices: Choices) -> Float[Tensor, "batch classes"]:
        """What `forward` gives for one-hot gates, computed by the small network itself on the weights cut to size.

        So a step on one network costs what that network costs, not what the supernet does. Gradients reach the weights
        that were used; in training mode norms use the batch and leave no trace in the running statistics.
        """
        with torch.device("meta"):
            network = AutoTSNet(replace(self.space.config(choices), dropout=0.0)).train(self.training)
        own = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        logits: Tensor = functional_call(network, _cut_all(own, network), (clip,))
        return logits


class SuperStream(nn.Module):
    """Stem and groups of maximal size."""

    def __init__(self, space: Space, stream: str) -> None:
        super().__init__()
        self.space, self.stream = space, stream
        number = STREAMS.index(stream)
        inputs: tuple[int, ...] = (space.base.stems[number],)
        self.stem = stem(space.base.channels, inputs[0], STEM_TIMES[number])
        self.groups = nn.ModuleList()
        for g, blocks in enumerate(getattr(space.base, stream)):
            outputs: tuple[int, ...] = space.options[f"{stream}.{g}.width"]
            made = nn.ModuleList()
            for b in range(len(blocks)):
                made.append(SuperBlock(space, f"{stream}.{g}.{b}", inputs, outputs, side=2 if b == 0 else 1))
                inputs = outputs
            self.groups.append(made)
        self.widths = inputs

    def group(self, g: int, maps: Maps, gates: Gates) -> Maps:
        """Group `g`; its first block's input has the width of the group before."""
        outputs = gates[f"{self.stream}.{g}.width"]
        inputs = gates[f"{self.stream}.{g - 1}.width"] if g else torch.ones(1)
        for block in self.groups[g]:  # type: ignore[attr-defined]
            maps, inputs = block(maps, gates, inputs, outputs), outputs
        return maps


class SuperBlock(nn.Module):
    """An inverted bottleneck whose kernel, inner width, output width and attention are mixed by gates.

    Candidates of a depthwise kernel are centred parts of one: the sum of their convolutions is one convolution with
    the weight masked accordingly. Candidates of a width are prefixes of the channels, masked behind each norm.
    """

    def __init__(self, space: Space, name: str, inputs: Sequence[int], outputs: Sequence[int], *, side: int) -> None:
        super().__init__()
        self.name, self.side, self.outputs = name, side, tuple(outputs)
        self.times, self.spaces = space.options[f"{name}.time"], space.options[f"{name}.space"]
        self.attentions = space.options[f"{name}.attention"]
        rates = space.options[f"{name}.expansion"]
        self.inner = tuple(expanded(width, rate) for width in inputs for rate in rates)
        most, kernel = max(self.inner), (max(self.times), max(self.spaces), max(self.spaces))
        self.expand, self.norm_a = conv3d(max(inputs), most, ONE), nn.BatchNorm3d(most)
        self.depthwise = conv3d(most, most, kernel, (1, side, side), groups=most)
        self.norm_b = nn.BatchNorm3d(most)
        self.squeeze = Squeeze(most, squeezed(most)) if "squeeze" in self.attentions else None
        self.spacetime = SpaceTime(most) if "spacetime" in self.attentions else None
        self.project, self.norm_c = conv3d(most, max(outputs), ONE), nn.BatchNorm3d(max(outputs))

    def forward(self, maps: Maps, gates: Gates, inputs: Tensor, outputs: Tensor) -> Maps:
        joint = torch.outer(inputs, gates[f"{self.name}.expansion"]).flatten()
        inner = channels(prefix(self.inner, joint))
        out = functional.silu(self.norm_a(self.expand(maps))) * inner
        out = self.norm_b(self._convolve(out, gates)) * inner
        out = self._attend(out, gates, joint)
        out = self.norm_c(self.project(functional.silu(out))) * channels(prefix(self.outputs, outputs))
        answer: Tensor = out if self.side > 1 else out + maps
        return answer

    def _convolve(self, maps: Maps, gates: Gates) -> Maps:
        over_time = centred(self.times, gates[f"{self.name}.time"])
        over_space = centred_squares(self.spaces, gates[f"{self.name}.space"])
        conv = self.depthwise
        weight = conv.weight * over_time[:, None, None] * over_space
        return functional.conv3d(maps, weight, None, conv.stride, conv.padding, groups=conv.groups)

    def _attend(self, maps: Maps, gates: Gates, joint: Tensor) -> Maps:
        factor: Tensor | float = 0.0
        for attention, gate in zip(self.attentions, gates[f"{self.name}.attention"], strict=True):
            if attention == "squeeze" and self.squeeze is not None:
                hidden = functional.relu(self.squeeze.reduce(maps.mean(dim=(2, 3, 4), keepdim=True)))
                hidden = hidden * channels(prefix([squeezed(size) for size in self.inner], joint))
                factor = factor + gate * torch.sigmoid(self.squeeze.restore(hidden))
            elif attention == "spacetime" and self.spacetime is not None:
                factor = factor + gate * self.spacetime(maps)
            else:
                factor = factor + gate
        return maps * factor


class SuperFusion(nn.Module):
    """All ways between the streams that some option takes, each weighted by the gates of the options that take it."""

    def __init__(self, space: Space, g: int) -> None:
        super().__init__()
        self.space, self.g = space, g
        options = space.options[f"fusion.{g}"]
        self.ways = tuple(dict.fromkeys(way for option in options for way in WAYS[option]))
        self.widths = {stream: space.options[f"{stream}.{g}.width"] for stream in STREAMS}
        slow, fast = (max(self.widths[stream]) for stream in STREAMS)
        for way in self.ways:
            self.add_module(way, Lateral(lateral_conv(way, slow, fast, space.base.alpha)))

    def forward(self, slow: Maps, fast: Maps, gates: Gates) -> tuple[Maps, Maps]:
        new_slow, new_fast = slow, fast
        for way in self.ways:
            stream = "fast" if way == "back" else "slow"
            mask = channels(prefix(self.widths[stream], gates[f"{stream}.{self.g}.width"]))
            brought = cross(way, self.get_submodule(way), slow, fast, self.space.base.alpha)
            brought = brought * mask * self._weight(way, gates)
            if way == "back":
                new_fast = new_fast + brought
            else:
                new_slow = new_slow + brought
        return new_slow, new_fast

    def _weight(self, way: str, gates: Gates) -> Tensor:
        options = self.space.options[f"fusion.{self.g}"]
        pairs = zip(options, gates[f"fusion.{self.g}"], strict=True)
        return torch.stack([gate for option, gate in pairs if way in WAYS[option]]).sum()


def cut_weights(net: Supernet, choices: Choices) -> dict[str, Tensor]:
    """The state of the found network, its weights cut out of the supernet's: prefixes of channels, centres of kernels.

    Its norms have the supernet's statistics, which only hold for one-hot gates: train, or `recalibrate`, it.
    """
    with torch.device("meta"):
        network = AutoTSNet(net.space.config(choices))
    return _cut_all(net.state_dict(), network)


def _cut_all(state: Mapping[str, Tensor], network: AutoTSNet) -> dict[str, Tensor]:
    return {name: _cut(state[name], tuple(tensor.shape)) for name, tensor in network.state_dict().items()}


def _cut(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    for axis, size in enumerate(shape):
        spare = tensor.shape[axis] - size
        tensor = tensor.narrow(axis, spare // 2 if axis >= 2 else 0, size)
    return tensor.clone()


def prefix(sizes: Sequence[int], gates: Float[Tensor, " options"]) -> Mask:
    """Sum of gates x masks, each mask ones for its first channels.

    >>> prefix([1, 3], torch.tensor([0.25, 0.75])).tolist()
    [1.0, 0.75, 0.75]
    """
    masks = torch.arange(max(sizes))[None] < torch.tensor(list(sizes))[:, None]
    return gates @ masks.to(gates)


def centred(sizes: Sequence[int], gates: Float[Tensor, " options"]) -> Float[Tensor, " size"]:
    """Sum of gates x masks, each mask ones for the central taps.

    >>> centred([1, 3], torch.tensor([0.5, 0.5])).tolist()
    [0.5, 1.0, 0.5]
    """
    distance = (torch.arange(max(sizes)) - max(sizes) // 2).abs()
    masks = distance[None] <= torch.tensor(list(sizes))[:, None] // 2
    return gates @ masks.to(gates)


def centred_squares(sizes: Sequence[int], gates: Float[Tensor, " options"]) -> Float[Tensor, "size size"]:
    """As `centred`, over both axes of the picture."""
    distance = (torch.arange(max(sizes)) - max(sizes) // 2).abs()
    reach = torch.maximum(distance[:, None], distance[None])
    masks = reach[None] <= torch.tensor(list(sizes))[:, None, None] // 2
    return torch.einsum("o,ohw->hw", gates, masks.to(gates))


def channels(mask: Mask) -> Float[Tensor, "1 channels 1 1 1"]:
    """A mask over the channels of maps."""
    return mask.view(1, -1, 1, 1, 1)


def _key(name: str) -> str:
    return name.replace(".", "_")
