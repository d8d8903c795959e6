"""What is minimised, on models whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from onlooker.training.objective import classification, multi_label
from onlooker.training.recipe import Augment
from onlooker.weights.inputs import InputSpec

SPEC = InputSpec(frames=2, short_side=4, crop=4)
BATCH = {"clips": torch.zeros(3, 2, 3, 4, 4, dtype=torch.uint8), "labels": torch.tensor([0, 1, 0])}


class Answers(nn.Module):
    """Gives the same logits for every clip; in training, two more that are alike."""

    def __init__(self, weight: float = 0.0) -> None:
        super().__init__()
        if weight:
            self.auxiliary_weight = weight
        self.asked: list[bool] = []

    def forward(self, clips, auxiliary=False):
        self.asked.append(auxiliary)
        logits = torch.zeros(len(clips), 2)
        return (logits, [logits, logits]) if auxiliary else logits


def wrapped(model: nn.Module) -> nn.Module:
    """As processes wrap a model: the module inside, its answers passed on."""

    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = model

        def forward(self, *args, **kwargs):
            return self.module(*args, **kwargs)

    return Wrapper()


@pytest.mark.parametrize("make", [lambda model: model, wrapped])
def test_answers_of_earlier_layers_count_as_much_as_the_model_says(make) -> None:
    generator = torch.Generator()
    loss = classification(SPEC, Augment(), 2)
    plain, helped = Answers(), Answers(0.25)
    assert float(loss(make(plain), BATCH, generator)) == pytest.approx(math.log(2))
    assert plain.asked == [False]
    assert float(loss(make(helped), BATCH, generator)) == pytest.approx(1.5 * math.log(2))
    assert helped.asked == [True]


def test_several_labels_count_them_too() -> None:
    batch = {**BATCH, "labels": torch.tensor([[1.0, 0], [0, 0], [1, 1]])}
    loss = multi_label(SPEC, Augment())
    one = float(loss(Answers(), batch, torch.Generator()))
    assert one > 0
    assert float(loss(Answers(0.5), batch, torch.Generator())) == pytest.approx(2 * one)
