"""OTB's curves by hand and by their invariants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import RecordError
from onlooker.metrics.single_object import one_pass, overall, read_otb

box = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2)


def test_by_hand() -> None:
    found = one_pass([[0, 0, 10, 10], [0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 10, 10]])
    assert found.ious.tolist() == [1, 1 / 3]
    assert found.errors.tolist() == [0, 5]
    assert found.success[[0, 6, 7, 20]].tolist() == [1, 1, 0.5, 0]  # strict: IoU 1 does not exceed 1
    assert found.precision[[0, 4, 5]].tolist() == [0.5, 0.5, 1]  # not strict
    assert found.numbers["success_auc"] == pytest.approx((7 + 13 * 0.5) / 21)


@given(st.lists(st.tuples(box, box), min_size=1, max_size=10))
def test_auc_is_the_mean_overlap_up_to_the_grid(pairs: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> None:
    found = one_pass([a for a, _ in pairs], [b for _, b in pairs])
    assert found.numbers["success_auc"] == pytest.approx(found.ious.mean(), abs=0.051)
    assert (np.diff(found.success) <= 0).all()
    assert (np.diff(found.precision) >= 0).all()


def test_frames_that_do_not_count() -> None:
    gt = [[0, 0, 10, 10], [float("nan")] * 4, [0, 0, 0, 10], [0, 0, 10, 10]]
    found = one_pass(gt, [[0, 0, 10, 10]] * 3 + [[float("nan")] * 4])
    assert found.ious.tolist() == [1, 0]
    assert found.precision[-1] == 0.5
    with pytest.raises(RecordError, match="3 predicted boxes for 4"):
        one_pass(gt, gt[:3])
    with pytest.raises(RecordError, match="no frame"):
        one_pass(gt[1:3], gt[1:3])


def test_a_benchmark_is_the_mean_of_its_sequences() -> None:
    good, bad = one_pass([[0, 0, 9, 9]] * 9, [[0, 0, 9, 9]] * 9), one_pass([[0, 0, 9, 9]], [[80, 80, 9, 9]])
    assert overall({"a": good, "b": bad})["precision_20px"] == 0.5
    with pytest.raises(RecordError, match="no sequences"):
        overall({})


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,2,3,4\n1\t2\t3\t4\n 1 2  3 4\nNaN,NaN,NaN,NaN\n")
    assert read_otb(tmp_path / "a.txt").shape == (4, 4)
    (tmp_path / "a.txt").write_text("1,2,3,4\n1,2,3\n1,2,3,x\n")
    with pytest.raises(RecordError) as caught:
        read_otb(tmp_path / "a.txt")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["a.txt:2", "a.txt:3"]
