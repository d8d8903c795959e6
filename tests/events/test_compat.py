"""The baseline's lines and zones: recorded behaviour, and what our rules do better."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from onlooker.errors import ConfigError
from onlooker.events import Detection, EventEngine, Packet, parse_rules
from onlooker.events.compat import CompatLine, CompatZone
from onlooker.events.parity import parity as compare


@pytest.mark.real
def test_lines_and_zones_equal_the_recorded_ones(parity: Path) -> None:
    names = []
    for name, ours, reference in compare(parity / "object_hand_events"):
        np.testing.assert_array_equal(ours, reference, err_msg=name)
        assert ours.dtype == reference.dtype
        assert reference.any()
        names.append(name)
    assert len(names) == 10


@pytest.mark.real
def test_our_settling_counts_walkers_and_not_those_who_waver(parity: Path) -> None:
    """Kinds of tracks: straight walk, oscillation on the line, approach and U-turn, flickers to the other side."""
    folder = parity / "object_hand_events"
    inputs, outputs = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    (x1, y1), (x2, y2) = json.loads((folder / "config.json").read_text())["line"]
    width, height = 512, 384
    line = {"name": "line", "start": [x1 / width, y1 / height], "end": [x2 / width, y2 / height]}
    engine, events = EventEngine(parse_rules({"lines": [line]})), []
    for i, (boxes, visible) in enumerate(zip(inputs["boxes_xyxy"], inputs["visible"], strict=True)):
        seen = tuple(Detection(n, "person", 1.0, tuple(boxes[n].tolist())) for n in np.flatnonzero(visible).tolist())
        events += engine.step(Packet("camera", i, i / 10, width, height, seen))
    events += engine.finish()
    ours = np.bincount([e.participants[0].track_id % 4 for e in events], minlength=4)
    flags = outputs["line.bottom_center.thr1.in"] + outputs["line.bottom_center.thr1.out"]
    theirs = flags.sum(axis=0).reshape(-1, 4).sum(axis=0)
    assert ours[1] < theirs[1]
    assert ours[3] == 0 < theirs[3]


def test_a_change_counts_after_the_threshold_and_flickers_do_not() -> None:
    def counts(sides: str, threshold: int) -> tuple[int, int]:
        line = CompatLine((0, 5), (10, 5), threshold, "center")
        flags = [line.trigger([1], [[4, y - 1, 6, y + 1]]) for y in (2 if side == "L" else 8 for side in sides)]
        return sum(bool(a[0]) for a, _ in flags), sum(bool(b[0]) for _, b in flags)

    assert counts("RRLL", 1) == (1, 0)
    assert counts("LLRRLL", 1) == (1, 1)
    assert counts("RRLRR", 1) == (1, 1)
    assert counts("RRLRRRLLRRR", 3) == (0, 0)
    assert counts("RRLLLRRR", 3) == (1, 1)


def test_anchors_must_agree_and_lie_beside_the_line() -> None:
    line = CompatLine((0, 5), (10, 5))
    for box in ([4, 6, 6, 8], [4, 4, 6, 6], [9, 1, 11, 3]):
        assert not any(flag.any() for flag in line.trigger([1], [box]))
    assert line.trigger([1], [[4, 1, 6, 3]])[0].all()


def test_a_zone_is_a_mask_of_whole_pixels() -> None:
    zone = CompatZone([[2, 2], [6, 2], [6, 6], [2, 6]], "center")
    boxes = [[3, 3, 5, 5], [5.9, 5.9, 6.9, 6.9], [6, 6, 8, 8], [-5, -5, -3, -3], [90, 90, 92, 92]]
    assert zone.inside(boxes).tolist() == [True, True, False, False, False]


def test_what_cannot_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="counts nothing"):
        CompatLine((0, 5), (0, 5))
    with pytest.raises(ConfigError, match="three corners"):
        CompatZone([[0, 0], [1, 1]])
    with pytest.raises(ConfigError, match="no anchors 'nose'"):
        CompatLine((0, 5), (1, 5), anchors="nose").trigger([1], [[0, 0, 1, 1]])  # type: ignore[arg-type]


def test_unknown_outputs_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    save_file(
        {"boxes_xyxy": np.zeros((1, 1, 4), np.float32), "visible": np.ones((1, 1), np.uint8)},
        tmp_path / "inputs.safetensors",
    )
    save_file({"circle.in": np.zeros((1, 1), np.uint8)}, tmp_path / "outputs.safetensors")
    with pytest.raises(ConfigError, match=r"circle\.in"):
        list(compare(tmp_path))
