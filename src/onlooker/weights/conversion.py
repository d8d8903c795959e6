"""From a foreign checkpoint to our safetensors: what a method's converter gives, and the file that is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.weights.header import read_header
from onlooker.weights.keymap import KeyMap
from onlooker.weights.unpickle import extract

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Converted:
    """A state in our names and the numbers of the method's Config that are known (those missing must be given later).

    `layout` names the foreign layout that was recognised.
    """

    state: dict[str, Tensor]
    config: dict[str, Any]
    layout: str


def rename(state: Mapping[str, Tensor], names: KeyMap) -> dict[str, Tensor]:
    """The state in our names. Raises IncompatibleCheckpoint that lists every key that no rule maps."""
    translated = names.import_names(state)
    if translated.unmapped:
        shown = ", ".join(translated.unmapped[:5]) + (" ..." if len(translated.unmapped) > 5 else "")
        raise IncompatibleCheckpoint(
            f"{len(translated.unmapped)} names belong to no known layout of this method: {shown}. Another method, or "
            "a newer layout?",
            unexpected=translated.unmapped,
        )
    return {ours: state[theirs] for theirs, ours in translated.mapped.items()}


@contextmanager
def foreign_state(file: Path, folder: Path) -> Iterator[dict[str, Tensor]]:
    """The tensors of a foreign file under their own names: safetensors directly, anything else through the sandbox.

    `folder` takes a temporary copy of the tensors.
    """
    if not file.is_file():
        raise ConfigError(f"{file.name}: no such file (looked in {file.parent.absolute()}). Check the path.")
    if file.suffix == ".safetensors":
        read_header(file)
        yield load_file(file)
    else:
        with extract(file, folder) as tensors:
            yield load_file(tensors)
