"""Every fault is listed; repairs leave a sound table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from support import detections, tracks

from onlooker.errors import RecordError
from onlooker.records import SCHEMAS
from onlooker.records.validate import find_faults, refuse, repair


def change(table: pa.Table, column: str, values: dict[int, object]) -> pa.Table:
    cells = table.column(column).to_pylist()
    for row, value in values.items():
        cells[row] = value
    field = table.schema.field(column)
    return table.set_column(table.column_names.index(column), field, pa.array(cells, field.type))


FAULTS = [
    ("x2", -5.0, "negative size"),
    ("x1", float("nan"), "x1 is nan"),
    ("x2", 500.0, "leaves the image of 100x100"),
    ("score", float("inf"), "score is inf"),
    ("time", 0.0, "before the row above"),
    ("frame", -1, "frame -1 is negative"),
    ("label", "dog", "unknown class 'dog'"),
]


@pytest.mark.parametrize(("column", "value", "what"), FAULTS)
def test_each_kind_of_fault_is_found_in_its_row(column: str, value: object, what: str) -> None:
    sound = detections(rows=5)
    assert find_faults("detections", sound, size=(100, 100), labels=["person"]) == []
    broken = change(sound, column, {3: value})
    faults = find_faults("detections", broken, size=(100, 100), labels=["person"], where="a.csv", first_line=2)
    assert any(fault.startswith("a.csv:5: ") and what in fault for fault in faults), faults


def test_all_faults_at_once() -> None:
    table = detections(rows=5)
    for column, value, _ in FAULTS:
        table = change(table, column, {3: value})
    faults = find_faults("detections", table, size=(100, 100), labels=["person"])
    assert len(faults) >= 5
    with pytest.raises(RecordError) as caught:
        refuse(faults)
    assert all(fault in str(caught.value) for fault in faults)


def test_duplicates_and_normalised_boxes() -> None:
    rows = tracks({(0, 1): (0, 0, 10, 10), (1, 1): (0, 0, 10, 10), (1, 2): (0.1, 0.1, 0.4, 0.4)})
    rows = change(rows, "frame", {1: 0})
    faults = find_faults("tracks", rows, size=(100, 100))
    assert [fault.split(": ", 1)[0] for fault in faults] == ["tracks:1", "tracks:2"]
    assert "duplicate video a.mp4, frame 0, track_id 1" in faults[0]
    assert "looks normalised" in faults[1]


def test_start_after_end() -> None:
    row = {"video": "a", "track_id": None, "start": 2.0, "end": 1.0, "label": "walk", "score": None, "source": "x"}
    table = pa.Table.from_pylist([row], schema=SCHEMAS["segments"])
    assert find_faults("segments", table) == ["segments:0: start 2 is after end 1"]


def test_an_event_that_is_still_going_on_is_sound() -> None:
    row = dict.fromkeys(SCHEMAS["events"].names)
    row |= {"video": "a", "event_id": "e1", "version": 1, "type": "enter", "rule": "door", "state": "open"}
    row |= {"start": 1.0, "participants": "[]", "source": "x"}
    table = pa.Table.from_pylist([row, row | {"version": 2}], schema=SCHEMAS["events"])
    assert find_faults("events", table) == []
    assert len(find_faults("events", pa.concat_tables([table, table]))) == 2


def test_drop_and_clip_leave_sound_tables_and_a_report() -> None:
    table = change(detections(rows=6), "x2", {1: 500.0, 3: -5.0})
    table = change(table, "time", {4: 100.0})
    dropped, report = repair("detections", table, "drop", size=(100, 100))
    assert find_faults("detections", dropped, size=(100, 100)) == []
    assert dropped.num_rows == 3
    assert len(report) == 4
    clipped, _ = repair("detections", table, "clip", size=(100, 100))
    assert clipped.num_rows == 4
    assert np.max(clipped.column("x2").to_numpy()) == 100.0


def test_an_empty_table_is_sound() -> None:
    for name, schema in SCHEMAS.items():
        assert find_faults(name, schema.empty_table(), size=(10, 10), labels=[]) == []
