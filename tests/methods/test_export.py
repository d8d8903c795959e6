"""Graphs that run without Onlooker: they agree with the model, carry what is needed to use them, and fail clearly."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from onlooker.errors import ConfigError, MissingDependency, WeightsError
from onlooker.methods import export as module
from onlooker.methods.export import export
from onlooker.methods.loading import load
from onlooker.methods.recognition.contract import tiny_settings
from onlooker.methods.registry import find
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    torch.manual_seed(0)
    model = load("timesformer", settings=tiny_settings(find("timesformer")))
    labels = tuple("abcde")
    save_weights(
        path,
        model.state_dict(),
        Card("timesformer", config=json.dumps(asdict(model.config)), spec=model.spec, labels=labels),
    )
    return path


def test_the_graph_of_torch_agrees_for_any_batch_and_carries_its_labels(weights: Path, tmp_path: Path) -> None:
    done = export(str(weights), tmp_path / "tiny.pt2")
    assert done.apart is not None
    assert done.apart < 1e-4
    extra = {"onlooker.json": ""}
    graph = torch.export.load(done.out, extra_files=extra).module()
    facts = json.loads(extra["onlooker.json"])
    assert facts["labels"] == list("abcde")
    assert facts["spec"]["frames"] == 4
    model = load(str(weights))
    for batch in (1, 4):
        clip = torch.randn(batch, 4, 3, 32, 32, generator=torch.Generator().manual_seed(batch))
        with torch.no_grad():
            torch.testing.assert_close(graph(clip), model(clip), atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="needs onnx, onnxscript and onnxruntime",
)
def test_the_onnx_graph_agrees_and_carries_its_labels(weights: Path, tmp_path: Path) -> None:
    import onnx

    done = export("timesformer", tmp_path / "tiny.onnx", weights=str(weights), format="onnx")
    assert done.apart is not None
    assert done.apart < 1e-4
    facts = {entry.key: entry.value for entry in onnx.load(done.out).metadata_props}
    assert json.loads(facts["onlooker"])["labels"] == list("abcde")


def test_without_its_packages_onnx_says_what_to_install(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ONNX_PACKAGES", ("onnx_that_is_not_there",))
    with pytest.raises(MissingDependency, match=r"onlooker\[onnx\]"):
        export(str(weights), tmp_path / "tiny.onnx", format="onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_disagrees_is_not_written(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGREEMENT", -1.0)
    with pytest.raises(WeightsError, match="off; nothing was written"):
        export(str(weights), tmp_path / "tiny.pt2")
    assert not list(tmp_path.iterdir())


def test_wrong_requests_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="torch or onnx"):
        export(str(weights), tmp_path / "a.pt2", format="tflite")
    with pytest.raises(ConfigError, match=r"ends in \.pt2"):
        export(str(weights), tmp_path / "a.onnx")
    with pytest.raises(ConfigError, match="no such folder"):
        export(str(weights), tmp_path / "nowhere" / "a.pt2")
    with pytest.raises(ConfigError, match="without weights"):
        export("timesformer/base", tmp_path / "a.pt2")
