"""Schedules, groups, mixing, averages, intervals: exact small cases and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from onlooker.errors import ConfigError
from onlooker.training.batches import Draw, TrainClips, augment_clip, epoch_draws, epoch_order
from onlooker.training.ema import Ema
from onlooker.training.evaluation import VideoScore, summarise
from onlooker.training.guard import Diverged, Guard
from onlooker.training.intervals import t_interval
from onlooker.training.mixing import mix, smooth_targets, soft_cross_entropy
from onlooker.training.optimizers import make_optimizer, parameter_groups, set_rate
from onlooker.training.recipe import Augment, Optimizer, Schedule
from onlooker.training.schedules import rate_factor
from onlooker.weights.inputs import InputSpec


def test_the_step_schedule_drops_at_its_milestones():
    schedule = Schedule(name="step", milestones=(11, 14), gamma=0.1)
    factors = [rate_factor(schedule, epoch, 15) for epoch in (0, 10.99, 11, 13.99, 14, 15)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_starts_at_one_passes_half_and_ends_at_its_floor():
    schedule = Schedule(name="cosine", floor=0.2)
    assert [rate_factor(schedule, epoch, 10) for epoch in (0, 5, 10)] == pytest.approx([1, 0.6, 0.2])


@given(
    st.sampled_from(["constant", "cosine", "step"]), st.floats(0, 5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 20)
)
def test_rates_lie_between_zero_and_one_and_warmup_joins_without_a_jump(name, warmup, start, floor, epoch):
    milestones = (10.0,) if name == "step" else ()
    schedule = Schedule(name=name, warmup_epochs=warmup, warmup_start=start, floor=floor, milestones=milestones)
    assert 0 <= rate_factor(schedule, epoch, 20) <= 1
    if warmup > 1e-3:
        before = rate_factor(schedule, warmup * (1 - 1e-6), 20)
        assert before == pytest.approx(rate_factor(schedule, warmup, 20), abs=1e-4)


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3))
        self.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.head = nn.Linear(2, 2)


def test_groups_have_the_rate_of_their_depth_and_the_decay_of_their_name():
    recipe = Optimizer(lr=1.0, weight_decay=0.1, layer_decay=0.5, no_decay=("bias", "table"), rates={"table": 10.0})
    groups = {name: group for group in parameter_groups(Stack(), recipe) for name in group["names"]}
    assert groups["table"]["scale"] == 10 * 0.5**4
    assert [groups[f"blocks.{i}.weight"]["scale"] for i in range(3)] == [0.125, 0.25, 0.5]
    assert groups["head.weight"]["scale"] == 1
    assert {name for name, group in groups.items() if group["weight_decay"] == 0} == {
        "table", "head.bias", *(f"blocks.{i}.bias" for i in range(3))
    }  # fmt: skip
    optimizer = make_optimizer(Stack(), recipe)
    set_rate(optimizer, 0.2)
    assert max(group["lr"] for group in optimizer.param_groups) == 0.2


def test_frozen_parameters_are_left_out_and_names_that_fit_nothing_are_refused():
    model = Stack()
    model.head.requires_grad_(False)
    names = [name for group in parameter_groups(model, Optimizer(lr=1.0)) for name in group["names"]]
    assert "head.weight" not in names
    assert len(names) == 7
    with pytest.raises(ConfigError, match="'tabel'"):
        parameter_groups(model, Optimizer(lr=1.0, no_decay=("tabel",)))


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 2), st.floats(0, 2), st.integers(0, 2**31), st.floats(0, 0.5))
def test_mixed_targets_stay_distributions_and_match_the_pixels(mixup, cutmix, seed, smoothing):
    clips = torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 2, 3, 8, 8).contiguous()
    before = clips.clone()
    targets = torch.eye(4) * (1 - smoothing) + smoothing / 4
    mixed, soft = mix(clips, targets, mixup=mixup, cutmix=cutmix, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(clips, before)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(4))
    if smoothing == 0:
        # clip i is i everywhere, so its mean must be what its target says of the classes
        torch.testing.assert_close(mixed.mean(dim=(1, 2, 3, 4)), soft @ torch.arange(4.0), atol=1e-5, rtol=0)


def test_smoothed_cross_entropy_is_pytorchs():
    logits, labels = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 6])
    ours = soft_cross_entropy(logits, smooth_targets(labels, 7, 0.1))
    torch.testing.assert_close(ours, nn.functional.cross_entropy(logits, labels, label_smoothing=0.1))


def test_the_average_starts_fast_and_is_put_in_and_taken_out():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    ema = Ema(model, 0.9)
    nn.init.constant_(model.weight, 1.0)
    ema.update(model)
    assert ema.shadow["weight"].item() == pytest.approx(0.9)
    ema.update(model)
    assert ema.shadow["weight"].item() == pytest.approx(1 - 0.1 * 2 / 11)
    with ema.applied(model):
        assert model.weight.item() == pytest.approx(1 - 0.2 / 11)
    assert model.weight.item() == 1


@given(st.integers(1, 60), st.integers(0, 5), st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)]))
def test_a_step_sees_the_same_clips_however_it_is_dealt(count, epoch, deal):
    parts, processes = deal
    whole = list(epoch_draws(count, 4, seed=1, epoch=epoch, first=0, parts=1, part=0, processes=1))
    dealt = [
        list(epoch_draws(count, 4, seed=1, epoch=epoch, first=0, parts=parts, part=part, processes=processes))
        for part in range(processes)
    ]
    assert sorted(epoch_order(count, 1, epoch)) == list(range(count))
    for step, draws in enumerate(whole):
        pieces = [draw for mine in dealt for micro in mine[step * parts : (step + 1) * parts] for draw in micro]
        assert sorted(pieces) == sorted(draws)
    later = list(epoch_draws(count, 4, seed=1, epoch=epoch, first=2, parts=1, part=0, processes=1))
    assert later == whole[2:]


def test_orders_differ_between_epochs_and_seeds():
    orders = {tuple(epoch_order(20, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 1000))
def test_augmented_clips_have_the_crop_and_move_together(height, width, seed):
    image = np.random.default_rng(0).integers(0, 255, (1, height, width, 3), dtype=np.uint8)
    clip = augment_clip(
        image.repeat(3, axis=0),
        InputSpec(frames=3, short_side=8, crop=8),
        Augment(short_side=(8, 12), inverse=bool(seed % 2)),
        np.random.default_rng(seed),
    )
    assert clip.shape == (3, 3, 8, 8)
    assert clip.dtype == torch.uint8
    assert torch.equal(clip[0], clip[2])


def test_without_chance_nothing_is_changed():
    image = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    clip = augment_clip(image, InputSpec(frames=2, short_side=8, crop=8), Augment(flip=0.0), np.random.default_rng(0))
    assert np.array_equal(clip.permute(0, 2, 3, 1).numpy(), image)
    turned = augment_clip(image, InputSpec(frames=2, short_side=8, crop=8), Augment(flip=1.0), np.random.default_rng(0))
    assert np.array_equal(turned.permute(0, 2, 3, 1).numpy(), image[:, :, ::-1])


def test_the_guard_counts_and_gives_up():
    guard = Guard(3, bad=1)
    assert guard.accepts(1.0, 2.0)
    assert not guard.accepts(math.nan, 1.0)
    with pytest.raises(Diverged, match="3 steps"):
        guard.accepts(1.0, math.inf)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.randoms())
def test_intervals_do_not_depend_on_order(values, rng):
    shuffled = list(values)
    rng.shuffle(shuffled)
    assert t_interval(values) == t_interval(shuffled)


def test_the_interval_is_students():
    from scipy import stats

    values = [0.3, 0.5, 0.45, 0.61]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    interval = t_interval(values)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    with pytest.raises(ConfigError, match="at least two"):
        t_interval([1.0])


def test_equal_scores_are_no_right_answer():
    # a network that says the same of every class must not look perfect
    flat = VideoScore(0, 2, (0.25, 0.25, 0.25, 0.25))
    assert flat.rank == 2
    rows = [flat, VideoScore(1, 0, (0.7, 0.1, 0.1, 0.1)), VideoScore(2, 0, (0.1, 0.7, 0.1, 0.1))]
    accuracy = summarise(rows)
    assert accuracy.top1 == pytest.approx(1 / 3)
    assert accuracy.mean_class == pytest.approx(0.25)
    assert accuracy == summarise(rows[::-1])


@pytest.mark.parametrize(
    "augment",
    [
        Augment(rand_augment={"operations": 2, "strength": 7.0, "spread": 0.5}),
        Augment(augmix={"chains": 2}),
        Augment(resized_crop={"area": (0.3, 1.0)}, flip=1.0),
        Augment(resized_crop={"shift": True}),
    ],
    ids=["rand_augment", "augmix", "resized_crop", "shift"],
)
def test_stronger_augmentation_follows_the_seed(augment):
    images = np.random.default_rng(0).integers(0, 255, (3, 20, 24, 3), dtype=np.uint8)
    spec = InputSpec(frames=3, short_side=16, crop=16)
    one, two, other = (augment_clip(images, spec, augment, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert (one.shape, one.dtype) == ((3, 3, 16, 16), torch.uint8)
    # without it the crop of a seed is what it always was
    plain = augment_clip(images, spec, Augment(flip=augment.flip), np.random.default_rng(1))
    assert not torch.equal(one, plain)


class _OneClip:
    classes = ("a",)

    def __len__(self):
        return 1

    def label(self, index):
        return 0

    def name(self, index):
        return "one"

    def random_clip(self, index, spec, draw):
        return np.zeros((spec.frames, spec.short_side, spec.short_side + 10, 3), np.uint8)


@pytest.mark.parametrize(("crop", "cut"), [(None, 32), (24, 24), (48, 48)])
def test_training_may_cut_other_squares_than_testing(crop, cut):
    spec = InputSpec(frames=2, short_side=36, crop=32)
    clips = TrainClips(_OneClip(), spec, Augment(crop=crop))
    assert clips[Draw(0, 1)]["clips"].shape == (2, 3, cut, cut)
