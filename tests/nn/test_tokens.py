"""Token layouts: every reshape is undone by its partner, and a token keeps its coordinates."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.nn.tokens import Order, TokenLayout, from_groups, to_groups

ORDERS: tuple[Order, ...] = ("time height width", "height width time")
LAYOUTS = st.builds(
    TokenLayout,
    classes=st.integers(0, 2),
    time=st.integers(1, 4),
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    order=st.sampled_from(ORDERS),
)
AXES = st.sampled_from(["time", "height", "width", "height width", "time height width"])


def numbered(layout: TokenLayout) -> torch.Tensor:
    return torch.arange(2.0 * layout.length).view(2, layout.length, 1)


@settings(max_examples=50, deadline=None)
@given(layout=LAYOUTS, within=AXES)
def test_split_join_and_grouping_are_undone(layout: TokenLayout, within: str) -> None:
    tokens = numbered(layout)
    classes, patches = layout.split(tokens)
    assert torch.equal(layout.join(classes, patches), tokens)
    assert torch.equal(from_groups(to_groups(patches, within), layout, within), patches)


@settings(max_examples=50, deadline=None)
@given(layout=LAYOUTS)
def test_coordinates_say_where_a_flat_token_lies(layout: TokenLayout) -> None:
    _, patches = layout.split(numbered(layout))
    for place, (time, row, column) in enumerate(layout.coordinates().tolist()):
        assert patches[0, time, row, column, 0] == layout.classes + place


def test_space_slow_time_fast() -> None:
    layout = TokenLayout(classes=1, time=3, height=2, width=2, order="height width time")
    _, patches = layout.split(torch.arange(13.0).view(1, 13, 1))
    # n = (h * W + w) * T + t, behind one class token
    assert patches[0, 2, 1, 0, 0] == 1 + (1 * 2 + 0) * 3 + 2


def test_groups_are_ordered_batch_first_then_by_the_axes_outside() -> None:
    patches = torch.arange(2.0 * 3 * 2 * 2).view(2, 3, 2, 2, 1)
    assert torch.equal(to_groups(patches, "height width")[4].flatten(), patches[1, 1].flatten())
    assert torch.equal(to_groups(patches, "time")[5].flatten(), patches[1, :, 0, 1].flatten())


def test_another_length_is_refused() -> None:
    with pytest.raises(ConfigError, match="7 tokens do not fit"):
        TokenLayout(1, 2, 2, 2).split(torch.zeros(1, 7, 3))
