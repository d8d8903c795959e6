"""Rules from files: what is wrong is named, with the nearest right key."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onlooker.errors import ConfigError, StorageError
from onlooker.events import load_rules, parse_rules

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
ZONE = {"name": "shelf", "polygon": SQUARE}


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    values = {"zones": [{"name": "a", "polygon": SQUARE, "dwell_s": 3}], "clock": {"reorder_s": 0.5}}
    (tmp_path / "rules.json").write_text(json.dumps(values))
    (tmp_path / "rules.yaml").write_text(
        "zones:\n  - {name: a, polygon: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]], dwell_s: 3}\n"
        "clock: {reorder_s: 0.5}\n"
    )
    assert load_rules(tmp_path / "rules.json") == load_rules(tmp_path / "rules.yaml") == parse_rules(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"zone": []}, "unknown key 'zone', did you mean 'zones'"),
        ({"zones": [{"name": "a", "polygon": SQUARE, "dwel_s": 1}]}, r"'zones\.0\.dwel_s', did you mean 'dwell_s'"),
        ({"clock": {"reorder": 1}}, "did you mean 'reorder_s'"),
        ({"lines": [{"name": "a", "start": [0, 0], "end": [0, 0]}]}, "same point"),
        ({"lines": [{"name": "a", "start": [0, 0], "end": [640, 0]}]}, r"lines\.0\.end\.0: .*less than or equal to 1"),
        ({"zones": [ZONE], "lines": [{"name": "shelf", "start": [0, 0], "end": [1, 0]}]}, "'shelf' is given twice"),
        ({"zones": [{"name": "a", "polygon": SQUARE, "anchor": "nose"}]}, "bottom_center"),
        ({"zones": [{"name": "a", "polygon": SQUARE, "exit_s": -1}]}, "greater than or equal to 0"),
        ({"zones": [ZONE], "objects": {"things": ["box"], "support": ["shelv"]}}, "did you mean 'shelf'"),
        ({"objects": {"things": []}}, "at least 1 item"),
    ],
)  # fmt: skip
def test_faults_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_rules(values)


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        ([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]], "crosses itself: edge 0 meets edge 2"),
        ([[0.1, 0.1], [0.9, 0.1]], "2 corners"),
        ([[0.1, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]], "repeats a corner"),
        ([[0.1, 0.1], [0.9, 0.1], [0.5, 0.1]], "folds back|no area"),
        ([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.5, 0.1], [0.1, 0.9]], "crosses itself"),
    ],
)
def test_polygons_that_cross_themselves_are_refused(ring: list[list[float]], message: str) -> None:
    with pytest.raises(ConfigError, match=f"zone 'a': its polygon .*({message})"):
        parse_rules({"zones": [{"name": "a", "polygon": ring}]})
    with pytest.raises(ConfigError, match=f"zone 'a': its hole 0 .*({message})"):
        parse_rules({"zones": [{"name": "a", "polygon": SQUARE, "holes": [ring]}]})


def test_files_that_are_no_rules_are_refused_by_name(tmp_path: Path) -> None:
    cases = {
        "broken.json": ("{", "broken.json is not valid"),
        "broken.yaml": ("a: [", "broken.yaml is not valid"),
        "list.yaml": ("[1, 2]", "list.yaml must hold a mapping"),
        "twice.yaml": ("zones: []\nzones: []\n", "twice.yaml: key 'zones' is given twice"),
        "twice.json": ('{"zones": [], "zones": []}', "twice.json: key 'zones' is given twice"),
        "unsafe.yaml": ("zones: !!python/object/apply:os.getcwd []", "unsafe.yaml is not valid"),
        "unknown.yaml": ("line: []", "unknown.yaml: rules: unknown key 'line', did you mean 'lines'"),
    }
    for name, (text, message) in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=message):
            load_rules(tmp_path / name)
    with pytest.raises(StorageError, match=r"absent\.json"):
        load_rules(tmp_path / "absent.json")


def test_events_need_no_torch() -> None:
    code = "import sys, onlooker.events, onlooker.events.motion; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
