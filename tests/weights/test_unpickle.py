"""Pickles: opened only in a child that may build tensors, never run, never trusted."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from onlooker.errors import ConfigError, UnsafeCheckpoint, WeightsError
from onlooker.weights.unpickle import extract, find_tensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)}


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.canary}",)


def opened(file: Path, folder: Path, **limits: int) -> dict[str, torch.Tensor]:
    with extract(file, folder, **limits) as tensors:
        return load_file(tensors)


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_tensors_come_out_and_nothing_stays_behind(tmp_path: Path) -> None:
    extra = {"epoch": 3, "optimizer_state": {"state": {0: {"step": torch.ones(1)}}}, "cfg": "text"}
    torch.save({**extra, "args": argparse.Namespace(lr=1.0), "model_state": TENSORS}, tmp_path / "a.pyth")
    assert same(opened(tmp_path / "a.pyth", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pyth"]


SLOW = pytest.mark.slow  # each case starts a process that imports torch


@pytest.mark.parametrize("form", ["zip", "raw", pytest.param("bare", marks=SLOW), pytest.param("wrapped", marks=SLOW)])
def test_a_malicious_pickle_never_runs(tmp_path: Path, form: str) -> None:
    canary, file = tmp_path / "canary", tmp_path / "evil.pth"
    evil = Hostile(canary)
    if form == "raw":
        file.write_bytes(pickle.dumps(evil, protocol=2))
    elif form == "bare":
        torch.save(evil, file, _use_new_zipfile_serialization=False)
    else:
        torch.save({**TENSORS, "evil": evil} if form == "zip" else {"model_state": TENSORS, "x": [evil]}, file)
    with pytest.raises(UnsafeCheckpoint, match=r"evil\.pth") as caught:
        opened(file, tmp_path)
    assert "system" in str(caught.value)
    assert not canary.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["evil.pth"]
    # the same bytes do run when opened carelessly, so the canary would have sung
    if form == "raw":
        pickle.loads(file.read_bytes())
        assert canary.exists()


@pytest.mark.parametrize("kind", ["half", pytest.param("empty", marks=SLOW), pytest.param("text", marks=SLOW)])
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    torch.save(TENSORS, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    content = {"empty": b"", "half": whole[: len(whole) // 2], "text": b"not a checkpoint" * 20}[kind]
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.pth"):
        opened(tmp_path / "bad.pth", tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.pth"):
        opened(tmp_path / "absent.pth", tmp_path)


@pytest.mark.slow
def test_a_file_without_tensors(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="no table of tensors"):
        opened(tmp_path / "list.pth", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited through /proc and setrlimit")
def test_a_small_file_that_wants_much_memory_is_stopped(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).expand(2**18, 2**18)}, tmp_path / "bomb.pth")
    assert (tmp_path / "bomb.pth").stat().st_size < 5000
    with pytest.raises(UnsafeCheckpoint, match="more memory"):
        opened(tmp_path / "bomb.pth", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.pth"]


def test_a_file_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "slow.pth")
    with pytest.raises(UnsafeCheckpoint, match="within 0 s"):
        opened(tmp_path / "slow.pth", tmp_path, seconds=0)


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        OrderedDict(TENSORS),
        {"state_dict": TENSORS, "epoch": 1},
        {"model": TENSORS},
        {"model": {"state_dict": TENSORS}},
        {"model": "resnet", "model_state": TENSORS},
        {**TENSORS, "step": 3},
    ],
)
def test_where_the_tensors_are_found(content: Any) -> None:
    assert same(find_tensors(content))
