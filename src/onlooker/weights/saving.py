"""Write tensors and their card as one safetensors file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from onlooker.storage import atomic_write
from onlooker.weights.card import Card


def save_weights(path: str | Path, state: Mapping[str, Tensor], card: Card) -> None:
    """Write `state` with its `card`. Tensors are made contiguous and independent. Errors: StorageError, DiskFull."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(state.items())}
    atomic_write(path, save(tensors, metadata=card.to_metadata()))
