"""The rule of expansion, the gate, and the axes of the experiment."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.methods.recognition.x3d import VARIANTS, X3D, Config, expanded
from onlooker.methods.recognition.x3d.config import rounded
from onlooker.methods.recognition.x3d.model import Gate
from onlooker.methods.recognition.x3d.proof import AXES, BASE, expand, make_clips, seen
from onlooker.nn.counting import count_multiply_adds

torch.set_num_threads(1)


def test_published_sizes_come_from_their_factors() -> None:
    assert VARIANTS["l"].depths == (5, 10, 25, 15)
    for name in ("xs", "s", "m"):
        config = VARIANTS[name]
        assert expanded(2.0, 2.2) == {
            "stem_width": config.stem_width, "widths": config.widths, "depths": config.depths
        }  # fmt: skip
    with pytest.raises(ConfigError, match="one width each"):
        Config(widths=(8, 16))


@given(st.floats(0.5, 4000))
def test_widths_are_multiples_of_8_that_lose_no_tenth(width: float) -> None:
    assert rounded(width) % 8 == 0
    assert rounded(width) >= max(8, 0.9 * width - 1e-6)


def test_every_other_block_has_a_gate() -> None:
    model = X3D(Config(stem_width=8, widths=(8, 8), depths=(3, 4), head_width=16, classes=3))
    gates = [[isinstance(block.gate, Gate) for block in stage] for stage in model.stages]
    assert gates == [[True, False, True], [True, False, True, False]]
    shortcut = [name for name, _ in model.stages[0][0].shortcut.named_children()]
    assert shortcut == ["conv"]


def test_a_gate_scales_whole_channels() -> None:
    torch.manual_seed(0)
    maps = torch.rand(1, 4, 2, 3, 3) + 0.5
    share = (Gate(4, 8)(maps) / maps).detach()
    assert float((share - share.mean(dim=(2, 3, 4), keepdim=True)).abs().max()) < 1e-6
    assert bool(((share > 0) & (share < 1)).all())


def test_each_axis_of_the_experiment_about_doubles_the_cost() -> None:
    def cost(config: Config) -> int:
        return count_multiply_adds(lambda: X3D(config), (1, config.frames, 1, config.size, config.size))

    for axis in AXES:
        assert 1.4 < cost(expand(BASE, axis)) / cost(BASE) < 2.4, axis
    clips, _ = make_clips(4, seed=0)
    assert seen(clips, BASE).shape == (4, 2, 1, 16, 16)
