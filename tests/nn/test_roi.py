"""RoIAlign against its definition written out, and the residual blocks' small promises."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.nn.residual3d import ONE, Bottleneck, bottleneck_stage, conv3d, initialise_convnet, window_average
from onlooker.nn.roi import roi_align

torch.set_num_threads(1)


def bilinear(plane: torch.Tensor, y: float, x: float) -> float:
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    above = (1 - u) * float(plane[top, left]) + u * float(plane[top, right])
    below = (1 - u) * float(plane[bottom, left]) + u * float(plane[bottom, right])
    return (1 - v) * above + v * below


def by_definition(plane: torch.Tensor, box: list[float], size: int, scale: float, samples: int, aligned: bool) -> list:
    shift = 0.5 if aligned else 0.0
    x1, y1, x2, y2 = (value * scale - shift for value in box)
    width, height = x2 - x1, y2 - y1
    if not aligned:
        width, height = max(width, 1.0), max(height, 1.0)
    down, across = (samples or max(1, math.ceil(extent / size)) for extent in (height, width))
    rows = []
    for i in range(size):
        row = []
        for j in range(size):
            values = [
                bilinear(
                    plane, y1 + height / size * (i + (a + 0.5) / down), x1 + width / size * (j + (b + 0.5) / across)
                )
                for a in range(down)
                for b in range(across)
            ]
            row.append(sum(values) / len(values))
        rows.append(row)
    return rows


@settings(max_examples=40, deadline=None)
@given(
    corner=st.tuples(st.floats(-6, 20), st.floats(-6, 20)),
    extent=st.tuples(st.floats(0.3, 25), st.floats(0.3, 25)),
    samples=st.integers(0, 3),
    aligned=st.booleans(),
)
def test_every_cell_is_the_mean_of_its_samples(
    corner: tuple[float, float], extent: tuple[float, float], samples: int, aligned: bool
) -> None:
    plane = torch.randn(7, 9, generator=torch.Generator().manual_seed(0))
    box = [corner[0], corner[1], corner[0] + extent[0], corner[1] + extent[1]]
    ours = roi_align(
        plane[None, None], torch.tensor([[0.0, *box]]), (3, 3), scale=0.5, samples=samples, aligned=aligned
    )
    # float32 coordinates may fall on the other side of a whole number of samples
    rounded = torch.tensor(box).tolist()
    cells = [side * 0.5 / 3 for side in (rounded[2] - rounded[0], rounded[3] - rounded[1])]
    if samples or all(abs(cell - round(cell)) > 1e-4 for cell in cells):
        expected = torch.tensor(by_definition(plane, rounded, 3, 0.5, samples, aligned))
        assert_close(ours[0, 0], expected, atol=2e-4, rtol=1e-3)


def test_boxes_of_several_pictures_keep_their_order() -> None:
    maps = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[1.0, 0, 0, 40, 40], [0, 8, 8, 24, 60], [1, 16, 0, 30, 30]])
    together = roi_align(maps, boxes, (2, 2), scale=1 / 8)
    alone = torch.cat([roi_align(maps, box[None], (2, 2), scale=1 / 8) for box in boxes])
    assert_close(together, alone)
    assert roi_align(maps, boxes[:0], (2, 2), scale=1 / 8).shape == (0, 3, 2, 2)


def test_the_whole_picture_is_its_mean_and_gradients_flow() -> None:
    maps = torch.randn(1, 2, 4, 4, requires_grad=True)
    out = roi_align(maps, torch.tensor([[0.0, 0, 0, 4, 4]]), (1, 1), scale=1.0)
    assert_close(out.flatten(), maps.mean(dim=(2, 3)).flatten())
    out.sum().backward()
    assert_close(maps.grad, torch.full_like(maps, 1 / 16))


def test_boxes_that_belong_nowhere_are_refused() -> None:
    with pytest.raises(ConfigError, match="rows of"):
        roi_align(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4), (1, 1), scale=1.0)
    with pytest.raises(ConfigError, match="no picture"):
        roi_align(torch.zeros(1, 1, 4, 4), torch.tensor([[1.0, 0, 0, 1, 1]]), (1, 1), scale=1.0)


# --- residual blocks --------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(time=st.integers(1, 6), side=st.integers(3, 9), stride=st.sampled_from([ONE, (1, 2, 2), (2, 2, 2)]))
def test_sizes_are_divided_by_the_stride_and_rounded_up(time: int, side: int, stride: tuple[int, int, int]) -> None:
    stage = bottleneck_stage(4, 2, (3, 1), stride)
    expected = (1, 8, *(-(-size // step) for size, step in zip((time, side, side), stride, strict=True)))
    assert stage(torch.zeros(1, 4, time, side, side)).shape == expected


def test_a_new_block_is_its_shortcut() -> None:
    block = Bottleneck(8, 2, 8, conv3d(8, 2, (3, 1, 1)), conv3d(2, 2, (1, 3, 3)))
    initialise_convnet(block, generator=torch.Generator().manual_seed(0))
    maps = torch.rand(2, 8, 3, 4, 4)
    assert torch.equal(block(maps), maps)


def test_dilated_stages_keep_the_resolution_and_reach_further() -> None:
    torch.manual_seed(0)
    stage = bottleneck_stage(4, 16, (1,), dilation=2).eval()
    maps = torch.zeros(1, 4, 1, 7, 7)
    before = stage(maps)
    maps[..., 3, 3] = 1
    changed = (stage(maps) - before).abs().sum(dim=(0, 1, 2)) > 0
    assert changed.nonzero().tolist() == [[i, j] for i in (1, 3, 5) for j in (1, 3, 5)]


def test_windows_of_a_larger_clip_give_several_positions() -> None:
    maps = torch.randn(1, 2, 3, 5, 5)
    assert window_average(maps, (3, 4, 4)).shape == (1, 2, 1, 2, 2)
    assert_close(window_average(maps, (3, 4, 4))[0, :, 0, 1, 0], maps[0, :, :, 1:5, 0:4].mean(dim=(1, 2, 3)))
    assert_close(window_average(maps, (9, 9, 9)), maps.mean(dim=(2, 3, 4), keepdim=True))
    assert_close(window_average(maps, (0, 0, 0)), maps.mean(dim=(2, 3, 4), keepdim=True))
