"""The header of a safetensors file, checked before any tensor is read.

A file from a stranger may claim a header of exabytes, tensors that overlap or that lie outside the file. Everything
is checked against the real size of the file, with plain integers, before memory of that size is taken.
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from onlooker.errors import UnsafeCheckpoint, WeightsError
from onlooker.storage import storage_errors

MAX_HEADER = 32 * 1024 * 1024
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 16

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header describes it: bytes `start` to `end` of the data part."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """All tensors by name, and the free text that the writer kept beside them."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]


def read_header(path: str | Path) -> Header:
    """Read and check the header of a safetensors file; the tensors themselves are not touched.

    Raises WeightsError when the file is cut short or is no safetensors file, UnsafeCheckpoint when its header lies.
    """
    path = Path(path)
    with storage_errors(path, "read"), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        prefix = file.read(8)
        length = _header_length(prefix, size, path.name)
        raw = file.read(length)
    entries = _parse(raw, path.name)
    metadata = _metadata(entries.pop("__metadata__", {}), path.name)
    if len(entries) > MAX_TENSORS:
        raise UnsafeCheckpoint(f"{path.name}: the header lists {len(entries)} tensors; the limit is {MAX_TENSORS}.")
    tensors = {name: _tensor(name, entry, path.name) for name, entry in entries.items()}
    _check_layout(tensors, size - 8 - length, path.name)
    return Header(tensors, metadata)


def _header_length(prefix: bytes, size: int, name: str) -> int:
    if len(prefix) < 8:
        raise WeightsError(f"{name}: only {size} bytes, no safetensors file. Fetch it again.")
    length: int = struct.unpack("<Q", prefix)[0]
    # an honest length may begin with the same bytes as a pickle, so a length that fits is never taken for one
    if length > MAX_HEADER and (prefix[:2] == b"PK" or prefix[:1] == b"\x80"):
        raise UnsafeCheckpoint(
            f"{name}: this is a pickle under the name of a safetensors file, and a pickle can run code. "
            "Convert it in a sandbox: onlooker weights convert FILE --method NAME --out FILE.safetensors"
        )
    if length > MAX_HEADER:
        raise UnsafeCheckpoint(
            f"{name}: claims a header of {length} bytes; the limit is {MAX_HEADER}. This is not a safetensors file, "
            "or one made to exhaust memory: get it from another source."
        )
    if length > size - 8:
        raise WeightsError(f"{name}: the file ends inside its header ({size} bytes). It was cut short: fetch it again.")
    return length


def _parse(raw: bytes, name: str) -> dict[str, Any]:
    try:
        entries = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError:
        raise UnsafeCheckpoint(f"{name}: the header is nested too deep to be honest. Do not use this file.") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise UnsafeCheckpoint(f"{name}: the header is damaged ({error}). Fetch the file again.") from None
    if not isinstance(entries, dict):
        raise UnsafeCheckpoint(f"{name}: the header is not a table of tensors. This is no safetensors file.")
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _metadata(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnsafeCheckpoint(f"{name}: the header's metadata is not a table of texts. Do not use this file.")
    return value


def _tensor(tensor: str, entry: Any, name: str) -> TensorInfo:
    where = f"{name}: tensor {tensor[:200]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise UnsafeCheckpoint(f"{where} is not described by dtype, shape and data_offsets. Do not use this file.")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise UnsafeCheckpoint(f"{where} has the number type {dtype!r}, which is not known here.")
    if not _naturals(shape) or len(shape) > MAX_DIMENSIONS:
        raise UnsafeCheckpoint(f"{where} has an impossible shape. Do not use this file.")
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise UnsafeCheckpoint(f"{where} has impossible offsets. Do not use this file.")
    needed, start, end = math.prod(shape) * BITS[dtype] // 8, offsets[0], offsets[1]
    if end - start != needed:
        raise UnsafeCheckpoint(f"{where} needs {needed} bytes by its shape, its offsets give {end - start}.")
    return TensorInfo(dtype, tuple(shape), start, end)


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _check_layout(tensors: dict[str, TensorInfo], data: int, name: str) -> None:
    """The tensors must tile the data part: no overlap, no hole, nothing after the last byte."""
    ordered = sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end))
    if ordered and ordered[0][1].start != 0:
        raise UnsafeCheckpoint(f"{name}: bytes before the first tensor belong to nothing. Do not use this file.")
    for (first, before), (second, after) in pairwise(ordered):
        if after.start < before.end:
            raise UnsafeCheckpoint(f"{name}: tensors {first!r} and {second!r} overlap. Do not use this file.")
        if after.start > before.end:
            raise UnsafeCheckpoint(f"{name}: a hole lies between {first!r} and {second!r}. Do not use this file.")
    end = ordered[-1][1].end if ordered else 0
    if end > data:
        raise WeightsError(
            f"{name}: the tensors end at byte {end} of the data, the file holds {data}. "
            "It was cut short or its offsets are false: fetch it again."
        )
    if end < data:
        raise UnsafeCheckpoint(f"{name}: {data - end} bytes after the last tensor belong to nothing.")
