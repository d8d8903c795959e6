"""TensorBoard: the same numbers as the log, hidden again behind the checkpoint that a run goes on from."""

from __future__ import annotations

import importlib.util
import math
import sys
from types import ModuleType

import pytest

from onlooker.training import board
from onlooker.training.log import Log, read_log


class FakeWriter:
    """What `SummaryWriter` is asked for, kept."""

    made: list[FakeWriter] = []  # noqa: RUF012 - the test looks at what was made

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.rows, self.closed = folder, purge_step, [], False
        self.made.append(self)

    def add_scalar(self, name, value, step):
        self.rows.append((name, value, step))

    def flush(self):
        self.flushed = len(self.rows)

    def close(self):
        self.closed = True


@pytest.fixture
def writers(monkeypatch):
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = FakeWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(board.importlib.util, "find_spec", lambda name: object())
    FakeWriter.made = []
    return FakeWriter.made


def test_rows_become_curves_and_the_log_stays_as_it_is(writers, tmp_path):
    log = Log(tmp_path / "log.jsonl", until=0)
    log.write("step", 1, loss=0.5, norm=math.nan, rate=0.1, skipped=True, epoch=0)
    log.write("evaluation", 1, epoch=1, top1=0.25, videos=8)
    log.sync()
    log.close()
    (writer,) = writers
    assert writer.folder == str(tmp_path / "tensorboard")
    names = [(name, step) for name, _, step in writer.rows]
    assert names == [("step/loss", 1), ("step/norm", 1), ("step/rate", 1), ("step/skipped", 1), ("evaluation/top1", 1)]
    assert (writer.flushed, writer.closed) == (5, True)
    assert [row["kind"] for row in read_log(tmp_path / "log.jsonl")] == ["step", "evaluation"]


def test_a_resumed_run_hides_what_comes_again(writers, tmp_path):
    Log(tmp_path / "log.jsonl", until=0).close()
    Log(tmp_path / "log.jsonl", until=7).close()
    assert [writer.purge_step for writer in writers] == [1, 8]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_without_tensorboard_there_is_no_folder(tmp_path):
    Log(tmp_path / "log.jsonl", until=0).close()
    assert not (tmp_path / board.FOLDER).exists()


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_the_real_writer_makes_an_event_file(tmp_path):
    log = Log(tmp_path / "log.jsonl", until=0)
    log.write("step", 1, loss=0.5)
    log.close()
    (file,) = (tmp_path / board.FOLDER).iterdir()
    assert b"step/loss" in file.read_bytes()
