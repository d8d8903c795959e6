"""Networks as data: sizes, costs, JSON, the exchange between streams."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet import SPECS, VARIANTS, AutoTSNet, Block, Config
from onlooker.methods.recognition.auto_tsnet.blocks import MobileBlock, time_to_channels
from onlooker.methods.recognition.auto_tsnet.config import TINY
from onlooker.methods.recognition.auto_tsnet.model import measure
from onlooker.nn.counting import count_multiply_adds

torch.set_num_threads(1)


def tiny(**changes: object) -> AutoTSNet:
    generator = torch.Generator().manual_seed(0)
    return AutoTSNet(replace(Config(**TINY), **changes), generator=generator).eval()


def clip(frames: int = 4) -> torch.Tensor:
    return torch.randn(2, frames, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_the_hand_made_network_keeps_its_size() -> None:
    assert set(VARIANTS) == set(SPECS) == {"hand_made"}
    size = measure("hand_made")
    assert size == {"parameters": PARAMETERS, "multiply_adds": MULTIPLY_ADDS}


# counted once: no size was published, so this only guards against changes
PARAMETERS, MULTIPLY_ADDS = 1_438_105, 1_178_881_708


def test_an_architecture_survives_json() -> None:
    config = replace(Config(**TINY), fusions=("back",), slow=((Block(5, 3, 1.5, "spacetime"),),))
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("text", ["{", "[]", '{"depth": 3}', '{"slow": [[[1, 2]]]}', '{"fusions": ["sideways"]}'])
def test_what_is_no_architecture_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Config.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": 5},
        {"slow": (((2, 3, 2.0, "none"),),)},
        {"slow": (((1, 3, 2.0, "everything"),),)},
        {"slow_widths": (8, 8)},
    ],
)
def test_impossible_networks_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Config(**{**TINY, **changes})


def test_a_clip_that_alpha_does_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of alpha"):
        tiny()(clip(3))


def test_without_exchange_no_gradient_crosses_between_the_streams() -> None:
    model = tiny(fusions=("none",))
    width = model.config.heads[0]
    features = model.features(clip())
    stems = [next(stream.stem.parameters()) for stream in (model.slow, model.fast)]
    from_slow = torch.autograd.grad(features[:, :width].square().sum(), stems, retain_graph=True, allow_unused=True)
    from_fast = torch.autograd.grad(features[:, width:].square().sum(), stems, allow_unused=True)
    assert [reached(gradient) for gradient in from_slow] == [True, False]
    assert [reached(gradient) for gradient in from_fast] == [False, True]


def reached(gradient: torch.Tensor | None) -> bool:
    return gradient is not None and bool(gradient.any())


@pytest.mark.parametrize(("fusion", "to_slow", "to_fast"), [("conv", True, False), ("back", False, True)])
def test_an_exchange_goes_its_way_only(fusion: str, to_slow: bool, to_fast: bool) -> None:
    model = tiny(fusions=(fusion,))
    slow_width = model.config.heads[0]
    features = model.features(clip())
    fast_stem, slow_stem = (next(stream.stem.parameters()) for stream in (model.fast, model.slow))
    slow, fast = (part.square().sum() for part in (features[:, :slow_width], features[:, slow_width:]))
    assert reached(torch.autograd.grad(slow, fast_stem, allow_unused=True, retain_graph=True)[0]) == to_slow
    assert reached(torch.autograd.grad(fast, slow_stem, allow_unused=True)[0]) == to_fast


def test_time_goes_into_channels_so_that_fewer_channels_are_a_prefix() -> None:
    maps = torch.arange(2 * 4).float().view(1, 2, 4, 1, 1)
    packed = time_to_channels(maps, 2)
    # channel 0 of frames 0 and 1, then channel 1; frames 2 and 3 come next on the time axis
    assert packed[0, :, 0].flatten().tolist() == [0, 1, 4, 5]
    assert packed[0, :, 1].flatten().tolist() == [2, 3, 6, 7]
    assert_close(time_to_channels(maps[:, :1], 2), packed[:, :2])


def test_a_block_with_silent_projection_is_its_input() -> None:
    block = MobileBlock(4, 4, Block(3, 3, 2.0, "squeeze"), side=1).eval()
    torch.nn.init.zeros_(block.project.weight)
    maps = torch.randn(1, 4, 2, 5, 5)
    assert torch.equal(block(maps), maps)


def test_the_slow_stream_sees_only_every_alphath_frame() -> None:
    model, given = tiny(fusions=("none",)), clip()
    changed = given.clone()
    changed[:, 1] += 1  # alpha is 2: frames 0 and 2 are the slow stream's
    slow = model.config.heads[0]
    one, other = model.features(given), model.features(changed)
    assert torch.equal(one[:, :slow], other[:, :slow])
    assert not torch.equal(one[:, slow:], other[:, slow:])


def test_a_wider_network_costs_more() -> None:
    shape = (1, 4, 3, 16, 16)
    narrow = count_multiply_adds(lambda: AutoTSNet(Config(**TINY)), shape)
    wide = count_multiply_adds(lambda: AutoTSNet(Config(**{**TINY, "slow_widths": (16,)})), shape)
    assert wide > narrow
