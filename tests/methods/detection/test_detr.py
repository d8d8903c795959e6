"""DETR-family detectors from folders made here with random weights: nothing is downloaded."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
import torch

from onlooker.errors import ConfigError, IncompatibleCheckpoint, MissingDependency, UnsafeCheckpoint, WeightsError
from onlooker.methods.detection import load_detector
from onlooker.methods.detection.detr.loading import parse, person_label
from onlooker.methods.detection.detr.model import Preprocessing, probabilities
from onlooker.records.snapshot import dump_state, load_state

transformers = pytest.importorskip("transformers", reason="needs the extra onlooker[hub]")
LABELS = {0: "N/A", 1: "person", 2: "bicycle"}


def _save(config, folder):
    config.id2label, config.label2id = LABELS, {name: index for index, name in LABELS.items()}
    torch.manual_seed(0)
    transformers.AutoModelForObjectDetection.from_config(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def detr(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-detr"
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=32,
        encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2,
        decoder_attention_heads=2, num_queries=7,
    )  # fmt: skip
    _save(config, folder)
    size = {"size": {"shortest_edge": 64, "longest_edge": 96}}
    (folder / "preprocessor_config.json").write_text(json.dumps(size))
    return folder


@pytest.fixture(scope="module")
def rt_detr(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-rt-detr"
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[16, 24, 32], encoder_ffn_dim=32,
        encoder_attention_heads=2, d_model=32, decoder_in_channels=[32, 32, 32], decoder_ffn_dim=32, decoder_layers=1,
        decoder_attention_heads=2, num_queries=9, num_denoising=0,
    )  # fmt: skip
    _save(config, folder)
    content = {"size": {"height": 64, "width": 64}, "do_normalize": False}
    (folder / "preprocessor_config.json").write_text(json.dumps(content))
    return folder


def _frames(count=6):
    return np.random.default_rng(0).integers(0, 255, (count, 60, 90, 3), np.uint8), np.arange(count) / 10


@pytest.mark.parametrize("kind", ["detr", "rt_detr"])
def test_a_folder_gives_people_and_the_split_into_calls_does_not_matter(kind, request):
    folder = request.getfixturevalue(kind)
    detector = load_detector(str(folder))
    images, times = _frames()
    whole, last = detector.run(images, times, detector.init_state(90, 60))
    state, parts = detector.init_state(90, 60), []
    for index in range(len(images)):
        found, state = detector.run(images[index : index + 1], times[index : index + 1], load_state(dump_state(state)))
        parts += found
    assert [f.boxes.tobytes() for f in parts] == [f.boxes.tobytes() for f in whole]
    assert dump_state(state) == dump_state(last)
    assert any(len(f) for f in whole)
    for found in whole:
        assert ((found.scores >= 0.1) & (found.scores <= 1)).all()
        assert set(found.labels) <= {"person"}
    model, _, weights = detector.source.partition("@")
    assert model.endswith(folder.name)
    assert len(weights) == 12


def test_boxes_are_those_of_transformers_own_output(detr):
    detector = load_detector(f"{detr}?every=0")
    image = _frames(1)[0][0]
    network = transformers.AutoModelForObjectDetection.from_pretrained(detr).eval()
    with torch.inference_mode():
        output = network(pixel_values=detector.preprocess(image))
    chance = output.logits[0].softmax(-1)[:, 1]
    boxes, scores = detector.look(image)
    order = chance.argsort(descending=True)
    order = order[chance[order] >= 0.1]
    np.testing.assert_allclose(scores, chance[order].numpy(), rtol=1e-5)
    x, y, w, h = output.pred_boxes[0, order[0]].tolist()
    want = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]).clip(0, 1) * [90, 60, 90, 60]
    np.testing.assert_allclose(boxes[0], want, rtol=1e-4, atol=1e-3)


def test_every_missing_and_unexpected_key_is_listed(detr, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in detr.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    gone = sorted(weights)[3]
    del weights[gone]
    weights["stray.weight"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(IncompatibleCheckpoint) as caught:
        load_detector(str(tmp_path))
    assert caught.value.missing == (gone,)
    assert caught.value.unexpected == ("stray.weight",)
    assert gone in str(caught.value)
    assert "stray.weight" in str(caught.value)


def test_wrong_folders_are_refused_in_words(detr, tmp_path):
    with pytest.raises(ConfigError, match="there is no detector"):
        load_detector(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"no config\.json"):
        load_detector(str(tmp_path))
    (tmp_path / "config.json").write_bytes((detr / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnsafeCheckpoint, match="safetensors"):
        load_detector(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(WeightsError, match=tmp_path.name):
        load_detector(str(tmp_path))


def test_options_after_the_name():
    assert parse("hf://a/b?person=pedestrian&every=0").person == "pedestrian"
    assert parse("folder?every=0.5").every == 0.5
    for wrong in ("folder?speed=1", "folder?every=often", "folder?every=-1", "hf://only-one"):
        with pytest.raises(ConfigError):
            parse(wrong)


def test_the_person_label_is_found_or_asked_for(detr):
    assert person_label({0: "car", 1: "Person"}, None, "x") == 1
    assert person_label({0: "car", 1: "LABEL_1"}, "label_1", "x") == 1
    with pytest.raises(ConfigError, match=r"car.*\?person="):
        person_label({0: "car"}, None, "x")
    with pytest.raises(ConfigError, match="no label 'walker'"):
        load_detector(f"{detr}?person=walker")


def test_without_transformers_the_extra_is_named(detr, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "transformers" else real(name, *a)
    )
    with pytest.raises(MissingDependency, match=r"onlooker\[hub\]"):
        load_detector(str(detr))


def test_a_hub_name_without_network_is_a_short_clear_error():
    with pytest.raises(WeightsError, match="hf://nobody/nothing: could not be fetched"):
        load_detector("hf://nobody/nothing")


def test_preprocessing_follows_its_file():
    detr = Preprocessing.of({"size": {"shortest_edge": 800, "longest_edge": 1333}})
    assert detr.target(480, 640) == (800, 1067)
    assert detr.target(400, 1600) == (333, 1333)
    grey = np.full((20, 30, 3), 128, np.uint8)
    exact = Preprocessing.of({"size": {"height": 40, "width": 50}, "do_normalize": False})
    assert exact(grey).shape == (1, 3, 40, 50)
    assert torch.allclose(exact(grey), torch.tensor(128 / 255))
    assert torch.allclose(
        detr(grey)[0, :, 5, 5], (torch.tensor([128 / 255] * 3) - torch.tensor(detr.mean)) / torch.tensor(detr.std)
    )


def test_softmax_with_a_class_for_nothing_sigmoid_without():
    logits = torch.tensor([[2.0, 0.0, 0.0]])
    assert probabilities(logits, 2).shape == (1, 2)
    assert torch.allclose(probabilities(logits, 2)[0, 0], logits.softmax(-1)[0, 0])
    assert torch.allclose(probabilities(logits, 3), logits.sigmoid())
