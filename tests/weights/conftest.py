"""A small network and its safetensors file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

torch.set_num_threads(1)


class Tiny(nn.Module):
    """Two layers and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)


@pytest.fixture
def tiny() -> nn.Module:
    torch.manual_seed(0)
    return Tiny()


@pytest.fixture
def stored(tiny: nn.Module, tmp_path: Path) -> Path:
    """Other numbers than `tiny` holds, under its names."""
    path = tmp_path / "tiny.safetensors"
    save_file({name: value + 1 for name, value in tiny.state_dict().items()}, path)
    return path
