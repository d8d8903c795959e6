"""The run folder: whatever happens, the committed rows and no others, in the same bytes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import detections

from onlooker import storage
from onlooker.errors import ConfigError, DiskFull, RecordError, RunLocked, StorageError
from onlooker.records import SCHEMAS, Corpus, Entry, Manifest, Run, RunWriter, layout, tables
from onlooker.records.corpus import entry_of

UNITS = 6


def work(folder: Path, stop_after: int | None = None, **options: Any) -> bool:
    """Sum unit numbers into the state and write rows; leave without finishing after a unit."""
    with RunWriter.create_or_resume(folder, configuration={"stride": 1}, **options) as writer:
        if writer.is_complete:
            return True
        state = writer.state or {"sum": 0, "mean": np.zeros(2), "ids": {3: (1, 2)}}
        for unit in range(writer.next_unit, UNITS):
            state["sum"] += unit
            state["mean"] = state["mean"] + unit
            writer.append("detections", detections(unit))
            if unit % 2:
                writer.append("detections", detections(unit + 100, rows=7))
            writer.commit(unit, state)
            if unit == stop_after:
                writer.append("detections", detections(unit + 1))  # begun, never committed
                return False
        assert state["sum"] == sum(range(UNITS))
        assert state["ids"] == {3: (1, 2)}
        writer.manifest.facts = {"duration": 12.5, "size": [100, 100]}
        writer.finish(stages={"detect": 1.5})
    return True


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder)) if name != "timings.json"}


@pytest.mark.parametrize("stops", [[0], [0, 1, 2, 3, 4], [2, 5], [5]])
def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path: Path, stops: list[int]) -> None:
    work(tmp_path / "straight")
    for stop in stops:
        assert not work(tmp_path / "broken", stop)
    assert work(tmp_path / "broken")
    assert content(tmp_path / "broken") == content(tmp_path / "straight")
    assert sorted(content(tmp_path / "broken")) == ["detections.parquet", "manifest.json"]


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from onlooker import storage
from onlooker.records import journal, writer
import test_run
count = int(sys.argv[2])
real = {"replace": os.replace, "fsync": os.fsync, "unlink": os.unlink}
def counted(name):
    def call(*args, **kwargs):
        global count
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](*args, **kwargs)
    return call
for name in real:
    setattr(os, name, counted(name))
test_run.work(Path(sys.argv[1]))
"""


def killed_at(folder: Path, call: int) -> bool:
    """Run `work` in a process that kills itself at its n-th rename, fsync or unlink; whether it was killed."""
    command = [sys.executable, "-c", KILLED, str(folder), str(call), str(Path(__file__).parent)]
    return subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_kill_dash_nine_at_moments_of_the_whole_run(tmp_path: Path) -> None:
    work(tmp_path / "straight")
    for call in (3, 11, 30, 47):
        folder = tmp_path / f"killed{call}"
        assert killed_at(folder, call)
        assert work(folder)
        assert content(folder) == content(tmp_path / "straight"), call


@pytest.mark.slow
def test_kill_dash_nine_at_every_system_call(tmp_path: Path) -> None:
    work(tmp_path / "straight")
    call = 1
    while killed_at(tmp_path / f"killed{call}", call):
        folder = tmp_path / f"killed{call}"
        assert work(folder)
        assert content(folder) == content(tmp_path / "straight"), call
        call += 1
    assert call > 40


def test_a_run_killed_again_and_again(tmp_path: Path) -> None:
    work(tmp_path / "straight")
    for call in (9, 14, 23, 12):
        killed_at(tmp_path / "killed", call)
    assert work(tmp_path / "killed")
    assert content(tmp_path / "killed") == content(tmp_path / "straight")


def test_a_growing_run_shows_its_committed_units(tmp_path: Path) -> None:
    work(tmp_path, stop_after=2)
    (tmp_path / "detections" / "000003.parquet").write_bytes(b"half")
    run = Run.open(tmp_path)
    assert run.status == "running"
    assert run.detections.num_rows == 50 * 3 + 7
    assert run.tables == ("detections",)


def test_reading_a_complete_run(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    work(tmp_path / "a.onlooker", source=tmp_path / "a.mp4")
    run = Run(tmp_path / "a.onlooker")
    assert run.detections.schema == SCHEMAS["detections"]
    assert len(run.detections.to_pandas()) == run.manifest.tables["detections"]
    assert run.read("detections", ["time"]).column_names == ["time"]
    assert sum(piece.num_rows for piece in run.batches("detections")) == run.detections.num_rows
    assert run.tracks.num_rows == 0
    assert run.tracks.schema == SCHEMAS["tracks"]
    assert run.video == "a.mp4"
    assert run.video_path == tmp_path / "a.mp4"
    assert run.manifest.input["sha256"] == sha256(b"video").hexdigest()
    assert run.timings["stages"] == {"detect": 1.5}
    assert "tracks" in dir(run)
    with pytest.raises(AttributeError, match="tables"):
        run.trakcs  # noqa: B018
    with pytest.raises(RecordError, match="did you mean 'tracks'"):
        run.read("trakcs")
    metadata = pq.read_schema(run.folder / "detections.parquet").metadata
    assert metadata[b"onlooker.schema_version"] == b"1"


def test_an_input_described_before(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    described = {"name": "cam/a.mp4", "bytes": 5, "sha256": "00", "path": tmp_path / "a.mp4"}
    work(tmp_path / "x" / "run", source=described)
    assert Run(tmp_path / "x" / "run").video_path == tmp_path / "a.mp4"
    assert "path" not in Run(tmp_path / "x" / "run").manifest.input
    with RunWriter.create_or_resume(tmp_path / "url", source={"name": "rtsp://one", "sha256": None}):
        pass
    with pytest.raises(ConfigError, match="another input"):
        RunWriter.create_or_resume(tmp_path / "url", source={"name": "rtsp://two", "sha256": None})


def test_names_that_are_not_plain(tmp_path: Path) -> None:
    folder = tmp_path / "späße und 空 -rf"
    folder.mkdir()
    (folder / "=a b;.mp4").write_bytes(b"video")
    work(folder / "=a b;.onlooker", source=folder / "=a b;.mp4")
    run = Run(folder / "=a b;.onlooker")
    assert run.video == "=a b;.mp4"
    assert run.video_path == folder / "=a b;.mp4"


def test_a_reader_survives_the_end_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shards that the reader listed are joined and removed before it opens them."""
    with RunWriter.create_or_resume(tmp_path) as writer:
        writer.append("detections", detections())
        writer.commit(0)
        run = Run(tmp_path)
        listed = run._files("detections")
        writer.finish()
        answers = iter([listed])
        real = layout.table_files
        monkeypatch.setattr(layout, "table_files", lambda *args: next(answers, None) or real(*args))
        assert run.detections.num_rows == 50


def test_a_moved_video_is_found_beside_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    work(tmp_path / "x" / "a.onlooker", source=tmp_path / "a.mp4")
    os.rename(tmp_path / "a.mp4", tmp_path / "x" / "a.mp4")
    assert Run(tmp_path / "x" / "a.onlooker").video_path == tmp_path / "x" / "a.mp4"
    os.unlink(tmp_path / "x" / "a.mp4")
    assert Run(tmp_path / "x" / "a.onlooker").video_path is None


def test_a_folder_of_shards_is_read_too(tmp_path: Path) -> None:
    work(tmp_path)
    rows = Run(tmp_path).detections
    (tmp_path / "detections").mkdir()
    for index in range(2):
        part = rows.slice(index * 100, 100 if index == 0 else None)
        pq.write_table(part, tmp_path / "detections" / f"{index}.parquet")
    os.unlink(tmp_path / "detections.parquet")
    assert Run(tmp_path).detections.equals(rows)


def test_duckdb_and_pandas_read_the_file(tmp_path: Path) -> None:
    import duckdb
    import pandas

    work(tmp_path)
    path = tmp_path / "detections.parquet"
    count = duckdb.connect().execute(f"select count(*) from '{path}'").fetchall()[0][0]
    assert count == len(pandas.read_parquet(path)) == Run(tmp_path).detections.num_rows


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    work(tmp_path)
    before = content(tmp_path), (tmp_path / "timings.json").read_bytes()
    with RunWriter.create_or_resume(tmp_path, configuration={"stride": 1}) as writer:
        assert writer.is_complete
        writer.finish()
        with pytest.raises(StorageError, match="complete"):
            writer.commit(0)
    assert before == (content(tmp_path), (tmp_path / "timings.json").read_bytes())


def test_other_work_is_refused_unless_fresh(tmp_path: Path) -> None:
    work(tmp_path, stop_after=1)
    with pytest.raises(ConfigError, match="another configuration"):
        RunWriter.create_or_resume(tmp_path, configuration={"stride": 2})
    with RunWriter.create_or_resume(tmp_path, configuration={"stride": 2}, fresh=True) as writer:
        assert writer.next_unit == 0
        assert writer.state is None
        assert Run(tmp_path).tables == ()


def test_two_writers_on_one_folder(tmp_path: Path) -> None:
    with RunWriter.create_or_resume(tmp_path), pytest.raises(RunLocked):
        RunWriter.create_or_resume(tmp_path)


def test_starting_over_spares_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "party.jpg").write_bytes(b"mine")
    (tmp_path / "events" / "000000.parquet").write_bytes(b"mine too")
    work(tmp_path / "events" / "run")
    with RunWriter.create_or_resume(tmp_path):
        pass
    assert (tmp_path / "events" / "party.jpg").read_bytes() == b"mine"


def test_a_failed_run_says_why_and_can_go_on(tmp_path: Path) -> None:
    with RunWriter.create_or_resume(tmp_path, configuration={"stride": 1}) as writer:
        writer.fail("a.mp4: the file ends early")
    run = Run(tmp_path)
    assert (run.status, run.manifest.error) == ("failed", "a.mp4: the file ends early")
    with pytest.raises(StorageError, match="ends early"):
        run.detections  # noqa: B018
    assert work(tmp_path)
    assert Run(tmp_path).manifest.error is None


def test_a_full_disk_during_a_commit_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunWriter.create_or_resume(tmp_path) as writer:
        writer.append("detections", detections(0))
        writer.commit(0, {"n": 1})
        writer.append("detections", detections(1))

        def broken(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(storage.os, "fsync", broken)
        with pytest.raises(DiskFull):
            writer.commit(1, {"n": 2})
        monkeypatch.undo()
        assert Run(tmp_path).detections.num_rows == 50
        writer.commit(1, {"n": 2})
        assert writer.finish().detections.num_rows == 100


def test_a_damaged_state_is_not_used(tmp_path: Path) -> None:
    work(tmp_path, stop_after=1)
    path = layout.state_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with (
        RunWriter.create_or_resume(tmp_path, configuration={"stride": 1}) as writer,
        pytest.raises(StorageError, match="damaged"),
    ):
        writer.state  # noqa: B018


def test_a_lost_shard_is_noticed(tmp_path: Path) -> None:
    work(tmp_path, stop_after=1)
    layout.shard_path(tmp_path, "detections", 0).unlink()
    with pytest.raises(StorageError, match=r"detections/000000\.parquet"):
        RunWriter.create_or_resume(tmp_path, configuration={"stride": 1})


def test_units_come_in_order_and_rows_must_be_committed(tmp_path: Path) -> None:
    with RunWriter.create_or_resume(tmp_path) as writer:
        with pytest.raises(StorageError, match="in order"):
            writer.commit(1)
        writer.append("detections", detections())
        with pytest.raises(StorageError, match="not committed"):
            writer.finish()


def test_rows_must_fit_the_schema(tmp_path: Path) -> None:
    rows = detections(rows=3)
    with RunWriter.create_or_resume(tmp_path) as writer:
        with pytest.raises(RecordError, match=r"'label' is missing.*'lable' is not in the schema"):
            writer.append("detections", rows.rename_columns([n.replace("label", "lable") for n in rows.column_names]))
        with pytest.raises(RecordError, match="did you mean 'detections'"):
            writer.append("detection", rows)
        broken = rows.set_column(3, "x1", pa.array([0.0, float("nan"), 1.0], pa.float32()))
        with pytest.raises(RecordError, match=r"'x1' has 1 values that are not finite, the first in row 1"):
            writer.append("detections", broken)
        with pytest.raises(RecordError, match="'frame' has 1 nulls"):
            writer.append("detections", rows.set_column(1, "frame", pa.array([0, None, 1], pa.int64())))
        with pytest.raises(RecordError, match="'frame' does not convert"):
            writer.append("detections", rows.set_column(1, "frame", pa.array([0.5, 1, 2])))
        writer.append("detections", rows.select(rows.column_names[::-1]))  # any order


def test_scores_that_are_not_finite_become_null_and_are_reported(tmp_path: Path) -> None:
    rows = detections(rows=3)
    scores = pa.array([0.5, float("nan"), float("inf")], pa.float32())
    with RunWriter.create_or_resume(tmp_path, configuration={"gain": float("nan")}) as writer:
        writer.append("detections", rows.set_column(8, "score", scores))
        writer.commit(0)
        run = writer.finish()
    assert run.detections.column("score").to_pylist() == [0.5, None, None]
    assert run.manifest.warnings == ["2 scores were not finite and are stored as null"]
    text = (tmp_path / "manifest.json").read_text()
    assert json.loads(text, parse_constant=lambda word: pytest.fail(word))["configuration"] == {"gain": None}


def test_a_foreign_or_damaged_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="not a run folder"):
        Run(tmp_path)
    (tmp_path / "manifest.json").write_text('{\n "status": oops}')
    with pytest.raises(StorageError, match=r"manifest.json:2: not valid JSON"):
        Run(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(StorageError, match="newer Onlooker"):
        Run(tmp_path)


def test_a_truncated_table_is_an_error(tmp_path: Path) -> None:
    work(tmp_path)
    path = tmp_path / "detections.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordError, match=r"detections.parquet is not a whole Parquet file"):
        Run(tmp_path).detections  # noqa: B018


def test_validate_lists_every_fault_of_a_run(tmp_path: Path) -> None:
    with RunWriter.create_or_resume(tmp_path / "sound") as writer:
        writer.append("detections", detections())
        writer.commit(0)
        writer.manifest.facts = {"size": [100, 100]}
        writer.finish().validate()
    rows = detections(rows=4)
    rows = rows.set_column(5, "x2", pa.array([-5.0, 500.0, 60.0, 60.0], pa.float32()))
    with RunWriter.create_or_resume(tmp_path / "bad") as writer:
        writer.append("detections", rows)
        writer.commit(0)
        writer.manifest.facts = {"size": [100, 100]}
        run = writer.finish()
    with pytest.raises(RecordError) as caught:
        run.validate()
    lines = str(caught.value).splitlines()
    assert any(line.startswith("detections.parquet:0: negative size") for line in lines)
    assert any("detections.parquet:1: box" in line and "leaves the image of 100x100" in line for line in lines)


def test_lost_rows_are_a_fault(tmp_path: Path) -> None:
    work(tmp_path)
    pq.write_table(Run(tmp_path).detections.slice(0, 10), tmp_path / "detections.parquet")
    with pytest.raises(RecordError, match="10 rows, the manifest counted 321"):
        Run(tmp_path).validate()
    (tmp_path / "detections.parquet").unlink()
    with pytest.raises(RecordError, match="detections:0: the table is missing"):
        Run(tmp_path).validate()


def test_bytes_do_not_depend_on_how_rows_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROW_GROUP", 64)
    rows = detections(rows=500)
    cuts = [
        [rows],
        [rows.slice(0, 63), rows.slice(63, 65), rows.slice(128)],
        [rows.slice(i, 7) for i in range(0, 500, 7)],
    ]
    for index, parts in enumerate(cuts):
        tables.write_parquet(tmp_path / str(index), "detections", parts)
    first = (tmp_path / "0").read_bytes()
    assert all((tmp_path / str(index)).read_bytes() == first for index in range(3))
    assert pq.ParquetFile(tmp_path / "0").num_row_groups == 8
    assert pq.read_table(tmp_path / "0").equals(rows)


def test_a_disk_that_fills_inside_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure comes from a write in the middle of the Parquet writer, not from the last flush."""

    class Full(io.FileIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with RunWriter.create_or_resume(tmp_path) as writer:
        writer.append("detections", detections())
        monkeypatch.setattr(storage.os, "fdopen", lambda descriptor, mode: Full(descriptor, mode))
        with pytest.raises(DiskFull, match=r"000000\.parquet"):
            writer.commit(0)
        monkeypatch.undo()
        assert os.listdir(tmp_path / "detections") == []
        writer.commit(0)
        assert writer.finish().detections.num_rows == 50


def test_corpus_updates_from_many_processes(tmp_path: Path) -> None:
    code = "import sys\nfrom onlooker.records import Corpus, Entry\n"
    code += "for i in range(5): Corpus(sys.argv[1]).update(Entry(f'{sys.argv[2]}-{i}', 'complete'))"
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(Corpus(tmp_path)) == 15


def test_corpus_index(tmp_path: Path) -> None:
    work(tmp_path / "b.onlooker")
    with RunWriter.create_or_resume(tmp_path / "a.onlooker") as writer:
        writer.fail("no video inside")
    corpus = Corpus(tmp_path)
    assert [entry.status for entry in corpus.entries] == ["failed", "complete"]
    corpus.update(entry_of(tmp_path / "b.onlooker", tmp_path), Entry("c.mp4", "failed", error="gone"))
    again = Corpus(tmp_path)
    assert [entry.name for entry in again.entries] == ["a", "b", "c.mp4"]
    assert again.entries[1].duration == 12.5
    assert again.entries[1].counts == Run(tmp_path / "b.onlooker").manifest.tables
    assert again.read("detections").num_rows == Run(tmp_path / "b.onlooker").detections.num_rows
    first = (tmp_path / "onlooker-index.json").read_bytes()
    again.rebuild()
    assert (tmp_path / "onlooker-index.json").read_bytes() == first
    assert len(again) == 3


def test_manifest_keys_are_sorted_and_stable(tmp_path: Path) -> None:
    Manifest(configuration={"b": 1, "a": (1, 2)}).write(tmp_path)
    first = (tmp_path / "manifest.json").read_bytes()
    Manifest.read(tmp_path).write(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == first
    assert list(json.loads(first)) == sorted(json.loads(first))
