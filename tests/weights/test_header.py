"""Hostile and damaged safetensors files are refused before anything of their claimed size is allocated."""

from __future__ import annotations

import json
import resource
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save, save_file

from onlooker.errors import OnlookerError, StorageError, UnsafeCheckpoint, WeightsError
from onlooker.weights.header import MAX_HEADER, read_header


def written(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def entry(start: int, end: int, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(end - start) // 4] if shape is None else shape, "data_offsets": [start, end]}


def test_an_honest_file(tmp_path: Path) -> None:
    tensors = {"a": torch.ones(2, 3), "b": torch.zeros(4, dtype=torch.float16), "empty": torch.zeros(0, 5)}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"who": "me"})
    header = read_header(tmp_path / "x.safetensors")
    assert {name: info.shape for name, info in header.tensors.items()} == {"a": (2, 3), "b": (4,), "empty": (0, 5)}
    assert header.tensors["b"].dtype == "F16"
    assert header.metadata == {"who": "me"}


def test_header_bomb_is_refused_without_taking_its_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for length in (2**63, 2**64 - 1, MAX_HEADER + 1):
        with pytest.raises(UnsafeCheckpoint, match="header of"):
            read_header(written(tmp_path / "bomb.safetensors", b"{}", length=length))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


HOSTILE = {
    "overlap": ({"a": entry(0, 8), "b": entry(4, 12)}, b"0" * 12, "overlap"),
    "same bytes twice": ({"a": entry(0, 8), "b": entry(0, 8)}, b"0" * 8, "overlap"),
    "hole": ({"a": entry(0, 4), "b": entry(8, 12)}, b"0" * 12, "hole"),
    "bytes before": ({"a": entry(4, 8)}, b"0" * 8, "before the first"),
    "bytes after": ({"a": entry(0, 4)}, b"0" * 8, "after the last"),
    "negative offset": ({"a": entry(-4, 0, [1])}, b"0" * 4, "impossible offsets"),
    "reversed offsets": ({"a": entry(8, 4, [1])}, b"0" * 8, "impossible offsets"),
    "huge offsets": ({"a": entry(0, 2**70, [2**68])}, b"", "impossible"),
    "shape of another size": ({"a": entry(0, 8, [3])}, b"0" * 8, "needs 12 bytes"),
    "overflowing shape": ({"a": entry(0, 8, [2**62, 2**62, 4])}, b"0" * 8, "needs"),
    "negative shape": ({"a": entry(0, 8, [-2, -1])}, b"0" * 8, "impossible shape"),
    "boolean shape": ({"a": entry(0, 4, [True])}, b"0" * 4, "impossible shape"),
    "float shape": ({"a": entry(0, 4, [1.0])}, b"0" * 4, "impossible shape"),  # type: ignore[list-item]
    "unknown type": ({"a": entry(0, 4, [1], "F33")}, b"0" * 4, "number type"),
    "extra field": ({"a": {**entry(0, 4), "code": "x"}}, b"0" * 4, "not described"),
    "list": ([1, 2], b"", "not a table"),
    "metadata of numbers": ({"__metadata__": {"a": 1}}, b"", "metadata"),
    "twice": (b'{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}, "a": 1}', b"", "twice"),
    "no JSON": (b"hello world", b"", "damaged"),
    "not UTF-8": (b"\xff\xfe\x00\x00", b"", "damaged"),
    "deep": (b"[" * 200_000, b"", "damaged|nested"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers(tmp_path: Path, name: str) -> None:
    header, data, words = HOSTILE[name]
    with pytest.raises(UnsafeCheckpoint, match=words) as caught:
        read_header(written(tmp_path / "bad.safetensors", header, data))
    assert "bad.safetensors" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_tensors_outside_the_file_and_every_truncation(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cut short"):
        read_header(written(tmp_path / "x.safetensors", {"a": entry(0, 4000)}, b"0" * 10))
    whole = save({"a": torch.arange(5.0), "b": torch.ones(3)})
    for length in range(len(whole)):
        path = tmp_path / "cut.safetensors"
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            read_header(path)


def test_a_pickle_under_a_false_name(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(UnsafeCheckpoint, match="pickle"):
        read_header(tmp_path / "x.safetensors")


def test_a_header_length_that_begins_like_a_pickle_or_zip_is_no_pickle(tmp_path: Path) -> None:
    for length in (0x80, 0x280, 0x4B50):
        raw = b"{}".ljust(length)
        assert read_header(written(tmp_path / "x.safetensors", raw)).tensors == {}


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nothing\.safetensors"):
        read_header(tmp_path / "nothing.safetensors")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, position: int, value: int) -> None:
    whole = bytearray(save({"a": torch.arange(5.0), "b": torch.ones(3, 2)}, metadata={"k": "v"}))
    whole[position % len(whole)] = value
    path = tmp_path / "x.safetensors"
    path.write_bytes(bytes(whole))
    try:
        header = read_header(path)
    except OnlookerError:
        return
    loaded = load_file(path)
    assert {name: tuple(tensor.shape) for name, tensor in loaded.items()} == {
        name: info.shape for name, info in header.tensors.items()
    }
