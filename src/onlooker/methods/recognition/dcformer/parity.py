"""Reads a block-DCT fixture (any block, size and number kept) and compares every recorded array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.comparison import EXACT, Tolerance
from onlooker.methods.recognition.dcformer.dct import block_dct, inverse_block_dct, low_pass, to_ycbcr, zigzag


@torch.no_grad()
def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor] | tuple[str, Tensor, Tensor, Tolerance]]:
    """Name, our array and the recorded one, for each output of the fixture."""
    described = json.loads((folder / "config.json").read_text())
    block, kept = described["block"], described["kept"]
    recorded = load_file(folder / "outputs.safetensors")
    ycbcr = to_ycbcr(load_file(folder / "inputs.safetensors")["image_HWC"].movedim(-1, 0))
    blocks, order = block_dct(ycbcr, block), zigzag(block)
    flat = blocks.flatten(-2)
    low = torch.zeros_like(flat)
    low[..., order[:kept]] = flat[..., order[:kept]]
    ours = {
        "ycbcr_minus_128": ycbcr,
        "coefficients_c_by_bx_u_v": blocks,
        "zigzag_index": order,
        "kept_c_by_bx_k": flat[..., order[:kept]],
        "reconstruction_from_kept": inverse_block_dct(low.view_as(blocks)) + 128,
        "half_resolution_from_low_square": low_pass(blocks, block // 2) + 128,
    }
    for name, reference in recorded.items():
        if name == "zigzag_index":
            yield name, ours[name], reference, EXACT
        elif name in ours:
            yield name, ours[name], reference
