"""What a safetensors file says of itself, for `onlooker weights show`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onlooker.weights.card import Card
from onlooker.weights.header import read_header
from onlooker.weights.sources import locate


def inspect(source: str | Path, *, commercial: bool = False) -> dict[str, Any]:
    """Digest, card, licences and tensors of a file whose header was checked; no tensor is loaded.

    With `commercial`, raises LicenceError unless its card allows commercial use. Other errors as `locate` and
    `read_header`.
    """
    file = locate(source)
    header = read_header(file.path)
    card = Card.from_metadata(header.metadata, file.path.name)
    if commercial:
        (card or Card(method=file.path.name)).check_commercial()
    tensors = [
        {"name": name, "dtype": info.dtype, "shape": list(info.shape)} for name, info in sorted(header.tensors.items())
    ]
    return {
        "file": file.path.name,
        "sha256": file.sha256,
        "card": None if card is None else asdict(card),
        "numbers": sum(math.prod(info.shape) for info in header.tensors.values()),
        "tensors": tensors,
    }


def inspection_lines(found: dict[str, Any]) -> Iterator[str]:
    """The lines that the command prints."""
    yield f"{found['file']}: {len(found['tensors'])} tensors, {found['numbers']} numbers, sha256 {found['sha256']}"
    card = found["card"]
    if card is None:
        yield "  no card: method and licences are not known"
    else:
        yield f"  {card['method']} {card['variant']} from {card['origin'] or 'an unknown file'}".rstrip()
        yield f"  licences: code {card['code_licence']}, weights {card['weights_licence']}, data {card['data_licence']}"
    for tensor in found["tensors"]:
        yield f"  {tensor['name']}  {tensor['dtype']}  {tuple(tensor['shape'])}"
