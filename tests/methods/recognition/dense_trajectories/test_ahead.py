"""Jobs on two threads: in order, both at work, never deeper than asked for, and failures in their turn."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.methods.recognition.dense_trajectories.ahead import TURN, ahead
from onlooker.methods.recognition.dense_trajectories.memory import aligned


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12), st.integers(1, 5))
def test_results_come_in_order(count: int, depth: int) -> None:
    assert list(ahead((partial(pow, number, 2) for number in range(count)), depth)) == [n**2 for n in range(count)]


def test_the_caller_works_while_the_thread_does() -> None:
    """Two jobs that wait for each other: neither ends unless both are at work at once."""
    both = threading.Barrier(2, timeout=20)

    def meet() -> str:
        both.wait()
        return threading.current_thread().name

    first, second = ahead([meet, meet])
    assert first != second
    assert threading.current_thread().name in (first, second)


def test_a_job_may_wait_for_an_earlier_one() -> None:
    def link(before: Future[int], after: Future[int]) -> int:
        after.set_result(before.result(timeout=20) + 1)
        return after.result()

    ends: list[Future[int]] = [Future() for _ in range(30)]
    ends[0].set_result(0)
    assert list(ahead(partial(link, *both) for both in pairwise(ends))) == list(range(1, 30))


def test_no_more_than_depth_are_begun() -> None:
    begun: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(10):
            begun.append(number)
            yield partial(int, number)

    results = ahead(jobs(), 3)
    assert next(results) == 0
    assert len(begun) == 3
    assert list(results) == list(range(1, 10))


def test_failures_come_in_their_turn() -> None:
    def jobs() -> Iterator[Callable[[], int]]:
        yield lambda: 1
        yield lambda: 1 // 0
        yield lambda: 3
        raise OSError("no more frames")

    results = ahead(jobs())
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    results = ahead(job for number, job in enumerate(jobs()) if number != 1)
    assert [next(results), next(results)] == [1, 3]
    with pytest.raises(OSError, match="no more frames"):
        next(results)


def test_nothing_goes_on_when_it_is_left() -> None:
    before = threading.active_count()
    results = ahead(partial(int, number) for number in range(100))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.parametrize("shape", [(1,), (3, 7), (2, 5, 9)])
def test_arrays_begin_at_cache_lines(shape: tuple[int, ...]) -> None:
    for _ in range(5):
        array = aligned(*shape)
        array[...] = 1
        assert array.shape == shape
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
        assert array.sum() == array.size


def test_turns_are_short_only_while_somebody_works_ahead() -> None:
    usual = sys.getswitchinterval()
    first, second = ahead([lambda: 1, lambda: 2]), ahead([lambda: 3, lambda: 4])
    assert next(first) == 1
    assert sys.getswitchinterval() == pytest.approx(TURN)
    assert next(second) == 3
    first.close()
    assert sys.getswitchinterval() == pytest.approx(TURN)
    assert list(second) == [4]
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_turns_come_back_after_a_failure() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError):
        list(ahead([lambda: 1 // 0]))
    assert sys.getswitchinterval() == pytest.approx(usual)
