"""The recorded block DCT reproduced, at its size and at another one that scipy works out here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.fft import dctn

from onlooker.methods.parity import run_parity

torch.set_num_threads(1)


@pytest.mark.real
def test_every_recorded_array_is_reproduced(parity: Path) -> None:
    (result,) = run_parity(parity / "dcformer" / "block_dct")
    assert result.method == "dcformer"
    assert result.status == "within"
    assert result.uncompared == ()
    assert len(result.outputs) == 6
    assert result.max_absolute < 1e-4


@pytest.mark.parametrize(("block", "height", "width"), [(4, 12, 8), (16, 32, 16)])
def test_fixtures_of_another_block_are_read(tmp_path: Path, block: int, height: int, width: int) -> None:
    folder = tmp_path / "dcformer"
    folder.mkdir()
    picture = np.random.default_rng(0).uniform(0, 255, (height, width, 3)).astype(np.float32)
    grey = picture @ np.array([0.299, 0.587, 0.114]) - 128
    cut = grey.reshape(height // block, block, width // block, block).swapaxes(1, 2)
    luma = dctn(cut, axes=(-2, -1), norm="ortho")
    save_file({"image_HWC": torch.from_numpy(picture)}, folder / "inputs.safetensors")
    (folder / "config.json").write_text(json.dumps({"block": block, "kept": 3, "height": height, "width": width}))
    other = np.zeros((2, *luma.shape))
    recorded = torch.from_numpy(np.concatenate((luma[None], other)).astype(np.float32))
    save_file({"coefficients_c_by_bx_u_v": recorded}, folder / "outputs.safetensors")
    (result,) = run_parity(folder)
    assert result.status == "over"  # the colours were left at zero
    from onlooker.methods.recognition.dcformer.parity import parity as compare

    (found,) = compare(folder)
    assert float((found[1][0] - recorded[0]).abs().max()) < 1e-3
