"""The mathematics: orthonormal, invertible, energy kept, JPEG's order, and what the low square means."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dcformer.dct import (
    basis,
    block_dct,
    choose,
    halve,
    inverse_block_dct,
    low_pass,
    pad,
    to_ycbcr,
    zigzag,
)
from onlooker.methods.recognition.dcformer.proof import natural_ground

torch.set_num_threads(1)

# JPEG annex K, figure A.6: rank of each coefficient
JPEG_RANKS = [
    0, 1, 5, 6, 14, 15, 27, 28, 2, 4, 7, 13, 16, 26, 29, 42, 3, 8, 12, 17, 25, 30, 41, 43, 9, 11, 18, 24, 31, 40, 44,
    53, 10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60, 21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49,
    57, 58, 62, 63,
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([2, 3, 8, 16, 32]), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_inverse_and_energy(block: int, rows: int, columns: int, seed: int) -> None:
    matrix = basis(block)
    assert_close(matrix @ matrix.T, torch.eye(block), atol=1e-6, rtol=0)
    picture = 100 * torch.randn(2, rows * block, columns * block, generator=torch.Generator().manual_seed(seed))
    blocks = block_dct(picture, block)
    assert blocks.shape == (2, rows, columns, block, block)
    assert_close(inverse_block_dct(blocks), picture, atol=1e-3, rtol=1e-5)
    assert_close(blocks.square().sum(), picture.square().sum(), rtol=1e-4, atol=0)


def test_a_constant_block_is_its_first_coefficient() -> None:
    blocks = block_dct(torch.full((8, 8), 5.0), 8)[0, 0]
    assert float(blocks[0, 0]) == pytest.approx(40.0)
    assert float(blocks.flatten()[1:].abs().max()) < 1e-5


def test_u_is_vertical_and_v_horizontal() -> None:
    stripes = (torch.arange(8) % 2).float()[:, None].expand(8, 8)
    blocks = block_dct(stripes, 8)[0, 0]
    assert float(blocks[1:, 0].abs().max()) > 1
    assert float(blocks[:, 1:].abs().max()) < 1e-5


def test_zigzag_is_jpegs_order() -> None:
    assert zigzag(8)[torch.tensor(JPEG_RANKS)].tolist() == list(range(64))
    assert sorted(zigzag(5).tolist()) == list(range(25))


def test_a_mirrored_picture_has_mirrored_blocks_and_odd_columns_negated() -> None:
    picture = torch.randn(16, 24, generator=torch.Generator().manual_seed(0))
    signs = torch.tensor([1.0, -1.0]).repeat(4)
    assert_close(block_dct(picture.flip(-1), 8), block_dct(picture, 8).flip(1) * signs, atol=1e-5, rtol=1e-5)


def test_the_low_square_is_a_smaller_picture() -> None:
    ground = natural_ground(4, torch.Generator().manual_seed(0))
    small = low_pass(block_dct(ground, 8), 4)
    mean = halve(ground)
    correlation = torch.corrcoef(torch.stack((small.flatten(), mean.flatten())))[0, 1]
    assert float(correlation) > 0.98
    assert_close(small.mean(), mean.mean(), atol=1e-5, rtol=1e-4)


def test_colours() -> None:
    rgb = torch.tensor([[255.0, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]).T[:, :, None]
    expected = torch.tensor([[127.0, 0, 0], [-128, 0, 0], [-51.755, -43.02768, 127.5], [-98.93, 127.5, -20.735655]])
    assert_close(to_ycbcr(rgb)[:, :, 0].T, expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("keep", ["square", "zigzag", "triangle", "quantiser", "highest", "random"])
def test_kept_coefficients_are_distinct_and_reproducible(keep: str) -> None:
    for block, count in ((8, 36), (16, 36)):
        chosen = choose(block, keep, count)  # type: ignore[arg-type]
        assert len(set(chosen.tolist())) == count
        assert bool(((chosen >= 0) & (chosen < block**2)).all())
        assert torch.equal(chosen, choose(block, keep, count))  # type: ignore[arg-type]
    with_first = 0 in choose(8, keep, 36).tolist()  # type: ignore[arg-type]
    assert with_first == (keep in ("square", "zigzag", "triangle", "quantiser")) or keep == "random"


def test_forms_of_the_kept_set() -> None:
    assert set(choose(8, "triangle", 10).tolist()) == {u * 8 + v for u in range(8) for v in range(8) if u + v < 4}
    assert set(choose(8, "square", 9).tolist()) == {u * 8 + v for u in range(3) for v in range(3)}
    # the table begins 16 11 10 16 / 12 12 14 / 14 13 16: steps of 10, 11 and 12 come first
    assert set(choose(8, "quantiser", 4).tolist()) == {1, 2, 8, 9}
    for keep, count in (("square", 10), ("triangle", 11), ("triangle", 66)):
        with pytest.raises(ConfigError, match="choose"):
            choose(8, keep, count)  # type: ignore[arg-type]


def test_padding_repeats_the_edges() -> None:
    picture = torch.arange(6.0).view(1, 2, 3)
    padded = pad(picture, 4)
    assert padded.shape == (1, 4, 4)
    assert padded[0, 3].tolist() == [3, 4, 5, 5]
    assert pad(padded, 4) is padded
    with pytest.raises(ConfigError, match="pad"):
        block_dct(picture, 2)
