"""The recorded numbers of TrackEval, py-motmetrics, pycocotools, the AVA evaluator and got10k, to 1e-6."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from onlooker.errors import RecordError
from onlooker.metrics.parity import TOLERANCE, parity

AT_LEAST = {"mot": 200, "ava": 12, "coco": 60, "otb": 24, "track_map": 22}


@pytest.mark.real
@pytest.mark.parametrize("kind", sorted(AT_LEAST))
def test_every_recorded_number(parity_folder: Path, kind: str) -> None:
    triples = list(parity(parity_folder / kind))
    assert len(triples) >= AT_LEAST[kind]
    for name, ours, reference in triples:
        assert ours.shape == reference.shape, name
        assert np.allclose(ours, reference, rtol=0, atol=TOLERANCE, equal_nan=True), (name, ours, reference)


@pytest.mark.real
def test_the_whole_folder_at_once(parity_folder: Path) -> None:
    names = [name for name, _, _ in parity(parity_folder)]
    assert {name.split("/")[0] for name in names} == set(AT_LEAST)
    assert len(names) == len(set(names))


@pytest.mark.real
def test_another_number_would_be_noticed(parity_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(parity_folder / "otb", tmp_path / "otb")
    path = tmp_path / "otb" / "expected.json"
    expected = json.loads(path.read_text())
    expected["overall"]["success_auc"] += 1e-3
    path.write_text(json.dumps(expected))
    wrong = [name for name, ours, reference in parity(tmp_path / "otb") if np.abs(ours - reference).max() > TOLERANCE]
    assert wrong == ["overall/success_auc"]


def test_an_unknown_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"expected\.json"):
        list(parity(tmp_path))
