"""Writes are all or nothing, and say why they failed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from onlooker import storage
from onlooker.errors import DiskFull, PermissionDenied, StorageError
from onlooker.storage import atomic_write, make_folder, remove_leftovers, require_space, sha256_of


def test_the_new_content_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    atomic_write(target, b"old")
    atomic_write(target, lambda file: file.write(b"new"))
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_file_gets_ordinary_rights(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EACCES, PermissionDenied),
        (errno.EROFS, PermissionDenied),
        (errno.EIO, StorageError),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageError]
) -> None:
    target = tmp_path / "a.json"
    atomic_write(target, b"old")

    def broken(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage.os, "fsync", broken)
    with pytest.raises(kind, match=r"a\.json") as caught:
        atomic_write(target, b"new")
    assert type(caught.value) is kind
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]
    atomic_write(target, b"new")  # resumes when space returns
    assert target.read_bytes() == b"new"


def test_an_error_inside_the_callback_keeps_its_type(tmp_path: Path) -> None:
    def broken(_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        atomic_write(tmp_path / "a", broken)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        atomic_write(tmp_path / "nowhere" / "a", b"")


def test_too_little_space_is_refused_before_work_begins(tmp_path: Path) -> None:
    require_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(DiskFull, match="free some space"):
        require_space(tmp_path / "not" / "yet", 1 << 60)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(StorageError):
        make_folder(tmp_path / "a" / "b")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_write_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionDenied):
        make_folder(tmp_path)


def test_leftovers_go_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / ".tmp-abc").touch()
    (tmp_path / "mine.txt").touch()
    remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_sha256_of_the_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert sha256_of(tmp_path / "a").startswith("e3b0c442")
