"""The supernet holds every network of its space exactly, costs are those of the networks, stages keep their order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet import AutoTSNet, Config, Schedule, Space, Supernet, progressive, search
from onlooker.methods.recognition.auto_tsnet.cost import multiply_adds, one_hot
from onlooker.methods.recognition.auto_tsnet.progressive import fit, penalty, recalibrate
from onlooker.methods.recognition.auto_tsnet.supernet import centred, centred_squares, cut_weights, prefix
from onlooker.nn.counting import count_multiply_adds

torch.set_num_threads(1)

BASE = Config(
    frames=4,
    alpha=2,
    size=12,
    stems=(4, 2),
    slow=(((1, 3, 2.0),) * 2, ((1, 3, 2.0),)),
    fast=(((3, 3, 2.0),), ((3, 3, 2.0),) * 2),
    slow_widths=(4, 8),
    fast_widths=(2, 4),
    fusions=("conv", "conv"),
    heads=(6, 4),
    classes=3,
    dropout=0.0,
)
SPACE = Space.around(
    BASE,
    times=(1, 3, 5),
    spaces=(3, 5),
    expansions=(1.5, 3.0),
    attentions=("none", "squeeze", "spacetime"),
    slow_widths=((4, 6), (4, 8, 12)),
    fast_widths=((2, 3), (3, 4)),
    fusions=("none", "conv", "sample", "channels", "back", "both"),
)
SMALL = Space.around(BASE, times=(1, 3), fusions=("none", "conv"), attentions=("none", "squeeze"))


def supernet(space: Space = SPACE) -> Supernet:
    """Every parameter drawn at random, so that no part is silent."""
    generator = torch.Generator().manual_seed(3)
    net = Supernet(space, generator=generator)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return net


NET = supernet()
DERIVED = Supernet.derived


def clip() -> torch.Tensor:
    return torch.randn(2, 4, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def endless(seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(4, 4, 3, 12, 12, generator=generator), torch.randint(3, (4,), generator=generator)


# --- the supernet is its networks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_one_hot_gates_give_the_derived_network(seed: int, training: bool) -> None:
    choices = SPACE.random(torch.Generator().manual_seed(seed))
    net, derived = supernet(), AutoTSNet(SPACE.config(choices))
    derived.load_state_dict(cut_weights(net, choices))
    net.train(training)
    derived.train(training)
    with torch.no_grad():
        assert_close(net(clip(), one_hot(SPACE, choices)), derived(clip()), atol=1e-5, rtol=1e-5)


def test_a_step_on_one_network_is_the_supernets_for_one_hot_gates() -> None:
    choices = SPACE.random(torch.Generator().manual_seed(9))
    gradients = []
    for small in (True, False):
        net = supernet()
        logits = net.derived(clip(), choices) if small else net(clip(), one_hot(SPACE, choices))
        logits.square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in net.named_parameters()})
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        if gradient is None or name.startswith("alpha"):
            assert name.startswith("alpha") or other is None or not other.any(), name
        else:
            assert_close(gradient, other, atol=1e-3, rtol=1e-3)


def test_a_step_on_one_network_leaves_no_trace_in_the_statistics() -> None:
    net = supernet()
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    net.derived(clip(), SPACE.first())
    assert all(torch.equal(buffer, before[name]) for name, buffer in net.named_buffers())


def test_a_space_of_one_network_is_that_network() -> None:
    space = Space.around(BASE)
    assert space.free() == []
    assert space.config(space.first()) == BASE
    net = Supernet(space).eval()
    derived = AutoTSNet(BASE).eval()
    derived.load_state_dict(cut_weights(net, space.first()))
    with torch.no_grad():
        assert_close(net(clip(), net.gates(1.0)), derived(clip()), atol=1e-5, rtol=1e-5)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_expected_cost_with_one_hot_gates_is_the_counted_cost(seed: int) -> None:
    choices = SPACE.random(torch.Generator().manual_seed(seed))
    counted = count_multiply_adds(lambda: AutoTSNet(SPACE.config(choices)), (1, 4, 3, 12, 12))
    assert float(multiply_adds(SPACE, one_hot(SPACE, choices))) == counted


def test_no_exchange_is_exactly_none_whatever_the_ways_hold() -> None:
    choices = {**SPACE.first(), "fusion.0": "none", "fusion.1": "none"}
    features = supernet().eval()
    gates = one_hot(SPACE, choices)
    stem = next(features.fast.stem.parameters())
    slow = features.slow.stem(clip()[:, ::2].transpose(1, 2))
    fast = features.fast.stem(clip().transpose(1, 2))
    for g, fusion in enumerate(features.fusions):
        slow, fast = features.slow.group(g, slow, gates), features.fast.group(g, fast, gates)
        slow, fast = fusion(slow, fast, gates)
    assert not torch.autograd.grad(slow.sum(), stem)[0].any()


# --- gates ------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10.0), st.integers(0, 1000))
def test_gates_sum_to_one_and_masks_are_monotone(temperature: float, seed: int) -> None:
    gates = NET.gates(temperature, torch.Generator().manual_seed(seed))
    assert set(gates) == set(SPACE.options)
    for gate in gates.values():
        assert float(gate.detach().sum()) == pytest.approx(1, abs=1e-5)
    mask = prefix([2, 3, 5], torch.tensor([0.2, 0.3, 0.5]))
    assert (mask.diff() <= 0).all()


def test_a_low_temperature_decides() -> None:
    gates = NET.gates(1e-4, torch.Generator().manual_seed(0))
    assert all(float(gate.detach().max()) > 0.999 for gate in gates.values())


def test_networks_are_drawn_as_likely_as_the_architecture_says() -> None:
    net = Supernet(SMALL)
    with torch.no_grad():
        net.alpha["slow_0_0_time"].copy_(torch.tensor([0.0, 1.0]))
        net.alpha["fusion_1"].copy_(torch.tensor([50.0, 0.0]))
    generator = torch.Generator().manual_seed(0)
    drawn = [net.draw(generator) for _ in range(400)]
    assert all(choices["fusion.1"] == "none" for choices in drawn)
    share = sum(choices["slow.0.0.time"] == 3 for choices in drawn) / len(drawn)
    assert share == pytest.approx(0.731, abs=0.08)  # e / (1 + e)


def test_kernel_masks_are_centred() -> None:
    assert centred((1, 5), torch.tensor([1.0, 0.0])).tolist() == [0, 0, 1, 0, 0]
    assert centred_squares((3, 5), torch.tensor([1.0, 0.0]))[1:4, 1:4].eq(1).all()
    assert float(centred_squares((3, 5), torch.tensor([1.0, 0.0])).sum()) == 9


def test_the_cost_rises_towards_expensive_options() -> None:
    net = supernet()
    multiply_adds(SPACE, net.gates(1.0)).backward()
    for name in ("slow_0_0_time", "slow_1_width", "fast_0_0_space", "slow_0_1_expansion"):
        gradient = net.alpha[name].grad
        assert gradient is not None
        assert (gradient.diff() > 0).all(), name
    fusion = net.alpha["fusion_0"].grad
    assert fusion is not None
    assert float(fusion[0]) < 0 < float(fusion[-1])  # none, both


# --- the search -------------------------------------------------------------------------------------------------------


def test_each_stage_searches_its_variables_only() -> None:
    schedule = Schedule(steps=2, warmup=0.0)
    found = search(SMALL, endless(0), endless(1), target=1e5, schedule=schedule, stages=("streams",))
    assert found.config.fusions == ("none", "none")
    assert set(found.probabilities) == {name for name in SMALL.options if name.endswith("time")}
    found = search(SMALL, endless(0), endless(1), target=1e5, schedule=schedule)
    assert set(found.probabilities) == set(SMALL.free())
    assert found.cost == count_multiply_adds(lambda: AutoTSNet(found.config), (1, 4, 3, 12, 12))


def test_a_seed_finds_the_same_network_again() -> None:
    schedule = Schedule(steps=3, warmup=0.0)
    runs = [search(SMALL, endless(0), endless(1), target=1e5, schedule=schedule, seed=5) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_heavy_price_finds_the_cheapest_network() -> None:
    schedule = Schedule(steps=10, warmup=0.0, architecture_rate=0.6, cost_weight=1e4, penalty="log")
    found = search(SMALL, endless(0), endless(1), target=1e5, schedule=schedule, stages=("streams", "attention"))
    assert found.config == SMALL.config(SMALL.first())


def test_candidates_near_the_target_are_judged_on_held_out_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def spy(net: Supernet, clips: torch.Tensor, choices: dict[str, object]) -> torch.Tensor:
        if not torch.is_grad_enabled():
            judged.append(choices)
            return torch.zeros(len(clips), 3)
        return DERIVED(net, clips, choices)

    monkeypatch.setattr(Supernet, "derived", spy)
    schedule = Schedule(steps=1, candidates=4, tolerance=0.05)
    target = float(multiply_adds(SMALL, one_hot(SMALL, {**SMALL.first(), "slow.0.0.time": 3})))
    found = search(SMALL, endless(0), endless(1), target=target, schedule=schedule, stages=("streams",))
    assert 1 <= len(judged) <= 4
    costs = [float(multiply_adds(SMALL, one_hot(SMALL, {**SMALL.first(), **choices}))) for choices in judged]
    assert all(abs(cost / target - 1) <= 0.05 for cost in costs)
    assert abs(found.cost / target - 1) <= 0.05


def test_finalists_are_trained_alone_and_the_best_on_held_out_clips_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Config] = []

    def spy(model: AutoTSNet, train: object, steps: int, rate: float) -> Callable[[torch.Tensor], torch.Tensor]:
        trained.append(model.config)
        right = float(len(trained) == 2)  # the second finalist answers as the clips are labelled
        return lambda clips: torch.nn.functional.one_hot(torch.zeros(len(clips), dtype=torch.long), 3) * right

    def zeros() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return ((clips, 0 * labels) for clips, labels in endless(1))

    monkeypatch.setattr(progressive, "fit", spy)
    schedule = Schedule(steps=1, candidates=4, finalists=3, trial=7, tolerance=1.0)
    found = search(SMALL, endless(0), zeros(), target=1e5, schedule=schedule, stages=("streams",))
    assert len(set(trained)) == len(trained) == 3
    assert found.config == trained[1]


def test_a_network_trained_alone_learns_its_clips() -> None:
    clips, labels = next(endless(0))
    model = AutoTSNet(BASE, generator=torch.Generator().manual_seed(0))
    assert fit(model, itertools.repeat((clips, labels)), 40, 0.02) is model
    assert not model.training
    with torch.no_grad():
        assert model(clips).argmax(dim=1).tolist() == labels.tolist()


def test_the_cost_can_be_exchanged() -> None:
    def latency(space: Space, gates: dict[str, torch.Tensor]) -> torch.Tensor:
        # on this machine long kernels are quick
        return sum((gate[0] for name, gate in gates.items() if name.endswith("time")), torch.tensor(1.0))

    schedule = Schedule(steps=10, warmup=0.0, architecture_rate=0.6, cost_weight=1e4, penalty="log")
    found = search(SMALL, endless(0), endless(1), target=2.0, schedule=schedule, cost=latency, stages=("streams",))
    assert all(block.time == 3 for group in (*found.config.slow, *found.config.fast) for block in group)


def test_penalties() -> None:
    assert float(penalty(torch.tensor(80.0), 100.0, "gap")) == pytest.approx(0.2)
    assert float(penalty(torch.tensor(100.0), 100.0, "log")) == pytest.approx(1)


def test_recalibration_gives_the_statistics_of_the_clips() -> None:
    model = AutoTSNet(replace(BASE, fusions=("none", "none"))).eval()
    given_clip = clip()
    recalibrate(model, [given_clip])
    norm = model.slow.stem[2]
    maps = model.slow.stem[1](model.slow.stem[0](given_clip[:, ::2].transpose(1, 2)))
    assert_close(norm.running_mean, maps.mean(dim=(0, 2, 3, 4)), atol=1e-5, rtol=1e-4)
    assert norm.momentum == 0.1
    assert not model.training


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(ConfigError, match="target"):
        search(SMALL, endless(0), endless(1), target=0)
    with pytest.raises(ConfigError, match="stages"):
        search(SMALL, endless(0), endless(1), target=1, stages=("everything",))
    with pytest.raises(ConfigError, match="no option"):
        SMALL.fixed({"fusion.0": "both"})
    with pytest.raises(ConfigError, match="nothing was chosen"):
        SMALL.config({})
