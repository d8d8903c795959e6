"""A torn last record is as if it had never been; damage before it is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import DiskFull, StorageError
from onlooker.records import journal as module
from onlooker.records.journal import Journal, encode_record, read_journal


def write(path: Path, count: int = 3) -> None:
    journal = Journal(path)
    for unit in range(count):
        journal.append({"unit": unit, "note": "äöü\n"})
    journal.close()


def test_records_come_back(tmp_path: Path) -> None:
    write(tmp_path / "j")
    assert [record["unit"] for record in read_journal(tmp_path / "j")] == [0, 1, 2]
    assert Journal(tmp_path / "j").records == [{"unit": unit, "note": "äöü\n"} for unit in range(3)]


def test_every_cut_leaves_the_whole_records(tmp_path: Path) -> None:
    write(tmp_path / "j")
    data = (tmp_path / "j").read_bytes()
    for length in range(len(data)):
        cut = tmp_path / "cut"
        cut.write_bytes(data[:length])
        whole = data[:length].count(b"\n")
        assert len(read_journal(cut)) == whole
        journal = Journal(cut)
        journal.append({"unit": whole})
        journal.close()
        assert [record["unit"] for record in read_journal(cut)] == list(range(whole + 1))


def test_garbage_after_a_power_cut_is_discarded(tmp_path: Path) -> None:
    write(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(b"\0" * 4096)
    assert len(Journal(tmp_path / "j").records) == 3


def test_damage_in_the_middle_is_named_by_line(tmp_path: Path) -> None:
    write(tmp_path / "j")
    data = bytearray((tmp_path / "j").read_bytes())
    data[data.index(b'"unit": 1') + 8] = ord("7")  # still valid JSON: only the CRC tells
    (tmp_path / "j").write_bytes(data)
    with pytest.raises(StorageError, match="j:2: damaged record"):
        Journal(tmp_path / "j")


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "j", 1)
    journal = Journal(tmp_path / "j")

    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(DiskFull):
        journal.append({"unit": 1})
    monkeypatch.undo()
    journal.append({"unit": 1})
    journal.close()
    assert [record["unit"] for record in read_journal(tmp_path / "j")] == [0, 1]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda key: key != "crc32"), values, max_size=4))
def test_any_record_survives(record: dict[str, object]) -> None:
    assert module._decode(encode_record(record)) == record
