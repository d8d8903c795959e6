"""The helper process: the same results, whatever happens to it, and nobody left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories import apart, extractor
from onlooker.methods.recognition.dense_trajectories.apart import PATIENCE, Office
from onlooker.methods.recognition.dense_trajectories.config import Config
from onlooker.methods.recognition.dense_trajectories.extractor import Extractor
from onlooker.methods.recognition.dense_trajectories.helper import Table, _Desk, table_bytes
from onlooker.methods.recognition.dense_trajectories.motion import Motion
from onlooker.methods.recognition.dense_trajectories.pyramid import levels
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no helper process but on POSIX systems")
SHARP = Config(scales=2, min_motion=0.2)


@pytest.fixture(scope="module")
def staffed() -> Iterator[Office]:
    """An office that has, or starts, a helper."""
    office = Office()
    office.saw(PATIENCE)
    yield office
    office.end()


@pytest.fixture
def office(staffed: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The same with a helper that is ready, for the extractor."""
    monkeypatch.setattr(apart, "_wanted", lambda: True)  # on one processor too
    monkeypatch.setattr(extractor, "OFFICE", staffed)
    with staffed.hire():
        pass
    assert staffed.settled()
    return staffed


def number_of(office: Office) -> int:
    with office.hire() as helper:
        assert helper is not None
        return helper.number


def frames_of(make: Any, height: int = 64, width: int = 80) -> NDArray[np.uint8]:
    frames: NDArray[np.uint8] = make["patch_over"](make["moving"](24, 2, 1, height=height, width=width), -1, 0)
    return frames


def gone(number: int) -> bool:
    """Whether a process ended; whoever should take note of it may not have done so."""
    status = Path(f"/proc/{number}/stat")
    for _ in range(500):
        try:
            os.kill(number, 0)
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def alone(frames: NDArray[np.uint8], config: Config = SHARP) -> Trajectories:
    """By threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractor, "OFFICE", Office())
        one = Extractor(config)
        return one.step(frames, one.init_state())[0]


def same(one: Trajectories, other: Trajectories) -> bool:
    return len(one) > 0 and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Trajectories)
    )


@pytest.mark.parametrize("config", [SHARP, Config(compensate=False, scales=1)])
def test_the_results_are_those_of_the_threads(make: Any, office: Office, config: Config) -> None:
    before, helper = office.seconds, number_of(office)
    for size in ((64, 80), (72, 88), (64, 80)):
        frames, one = frames_of(make, *size), Extractor(config)
        assert same(one.step(frames, one.init_state())[0], alone(frames, config))
    assert office.seconds > before
    assert number_of(office) == helper


def test_cut_in_chunks_and_with_people_in_boxes(make: Any, office: Office) -> None:
    frames, one, other = frames_of(make), Extractor(SHARP), Extractor(SHARP)
    boxes = [np.array([[20, 20, 50, 50]], np.float32)] * len(frames)
    whole, _ = one.step(frames, one.init_state(), boxes)
    state, parts = other.init_state(), []
    for start in range(0, len(frames), 7):
        found, state = other.step(frames[start : start + 7], state, boxes[start : start + 7])
        parts.append(found)
    assert same(whole, Trajectories.join(parts))


def test_one_that_is_killed_is_not_missed(make: Any, office: Office) -> None:
    frames, one, number = frames_of(make), Extractor(SHARP), number_of(office)
    stream = one.stream(frames, one.init_state())
    found = list(islice(stream, 6))
    os.kill(number, signal.SIGKILL)
    found += stream
    assert same(Trajectories.join(found), alone(frames))
    assert gone(number)


def test_who_leaves_early_takes_it_along(make: Any, office: Office) -> None:
    number, one = number_of(office), Extractor(SHARP)
    stream = one.stream(frames_of(make), one.init_state())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert gone(number)


def test_it_has_one_user_at_a_time(make: Any, office: Office) -> None:
    frames, first, second = frames_of(make), Extractor(SHARP), Extractor(SHARP)
    one, other = first.stream(frames, first.init_state()), second.stream(frames, second.init_state())
    found: tuple[list[Trajectories], list[Trajectories]] = ([], [])
    for both in zip(one, other, strict=True):
        for kept, part in zip(found, both, strict=True):
            kept.append(part)
    assert same(Trajectories.join(found[0]), Trajectories.join(found[1]))


def test_what_the_frames_raise_comes_in_its_turn(make: Any, office: Office) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from frames_of(make)[:8]
        raise OSError("no more frames")

    one, number = Extractor(SHARP), number_of(office)
    stream = one.stream(broken(), one.init_state())
    assert len(list(islice(stream, 7))) == 7
    with pytest.raises(OSError, match="no more frames"):
        next(stream)
    assert number_of(office) == number


def test_nobody_is_hired_in_a_worker_nor_early(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    with office.hire() as helper:
        assert helper is None
    office.saw(PATIENCE)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    with office.hire() as helper:
        assert helper is None
    assert not office.settled()


@pytest.mark.parametrize("program", ["/no/such/program", "/bin/false"])
def test_where_none_can_be_started_nobody_tries_again(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    office, started = Office(), []
    monkeypatch.setattr(apart, "_wanted", lambda: True)
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setattr(apart, "Helper", lambda: started.append(real()) or started[-1])  # type: ignore[func-returns-value]
    office.saw(PATIENCE)
    for _ in range(3):
        with office.hire() as helper:
            assert helper is None
        assert not office.settled()
    assert len(started) <= 1


real = apart.Helper


def test_a_job_that_fails_says_so(make: Any) -> None:
    sizes = levels(80, 64, 1)
    memory = apart._nameless()
    os.ftruncate(memory, table_bytes(sizes, 1))
    desk = _Desk(Motion(SHARP, sizes), Table(memory, sizes, 1))
    os.close(memory)
    grey = frames_of(make)[:2, :, :, 0]
    for held, frame in zip(desk.table.frames[0], grey, strict=True):
        held[:] = frame
    nobody, nothing = np.zeros((0, 4), np.float32), np.zeros((0, 2), np.float32)
    assert desk.do(0, 0, 0, nobody, (nothing, nothing)) is not None
    assert desk.do(0, 0, 1, nobody, ("no", "places")) is None  # type: ignore[arg-type]


SCRIPT = """
import sys, time
from onlooker.methods.recognition.dense_trajectories import apart
apart._wanted = lambda: True
apart.OFFICE.saw(apart.PATIENCE)
with apart.OFFICE.hire():
    pass
assert apart.OFFICE.settled()
with apart.OFFICE.hire() as helper:
    print(helper.number, flush=True)
    {end}
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["time.sleep(60)", "sys.exit(0)"])
def test_it_ends_with_its_process(end: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT.format(end=end)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        number = int(process.stdout.readline())
        if "sleep" in end:
            process.kill()
        process.wait(30)
    assert gone(number)
