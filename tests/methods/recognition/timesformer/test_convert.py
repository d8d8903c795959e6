"""Official files to ours: layouts recognised, every key accounted for, wrong files refused, results equal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from onlooker.errors import ConfigError, IncompatibleCheckpoint, LicenceError, UnsafeCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.timesformer import Config, TimeSformer
from onlooker.methods.recognition.timesformer.config import Attention
from onlooker.methods.recognition.timesformer.convert import hugging_face, inflate, official, resize_tables
from onlooker.weights.inputs import InputSpec
from onlooker.weights.loading import load_weights

torch.set_num_threads(1)
RELEASED: tuple[Attention, ...] = ("divided", "joint", "space")
SMALL = Config(frames=4, size=16, patch=8, dim=64, depth=2, heads=1, classes=5)


def model_of(attention: Attention = "divided", **changes: Any) -> TimeSformer:
    generator = torch.Generator().manual_seed(1)
    model = TimeSformer(replace(SMALL, attention=attention, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip(config: Config = SMALL) -> torch.Tensor:
    shape = (2, config.frames, 3, config.size, config.size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def official_file(folder: Path, model: TimeSformer) -> Path:
    """Official names as safetensors: no process has to start for it."""
    save_file(official("divided").export(model.state_dict()), folder / "official.safetensors")
    return folder / "official.safetensors"


@pytest.mark.parametrize("attention", RELEASED)
@pytest.mark.parametrize("layout", [official, hugging_face])
def test_key_maps_name_every_parameter_and_undo_themselves(attention: Attention, layout: Any) -> None:
    state, names = model_of(attention).state_dict(), layout(attention)
    theirs = names.export(state)
    assert len(theirs) == len(state)
    assert {names.to_ours(key) for key in theirs} == set(state)


def test_official_names_are_those_of_the_released_files() -> None:
    theirs = official("divided").export(model_of(depth=1).state_dict())
    layers = [
        f"blocks.0.{layer}" for layer in ("norm1", "attn.qkv", "attn.proj", "temporal_norm1", "temporal_attn.qkv")
    ]
    layers += [f"blocks.0.{layer}" for layer in ("temporal_attn.proj", "temporal_fc", "norm2", "mlp.fc1", "mlp.fc2")]
    layers += ["patch_embed.proj", "norm", "head"]
    expected = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert set(theirs) == expected | {"cls_token", "pos_embed", "time_embed"}


def check_official_pickle(tmp_path: Path, attention: Attention, wrap: str) -> None:
    model = model_of(attention)
    prefix = {"model_state": "model.", "state_dict": "module.", "bare": ""}[wrap]
    theirs = {prefix + key: value for key, value in official(attention).export(model.state_dict()).items()}
    torch.save(theirs if wrap == "bare" else {wrap: theirs, "epoch": 3}, tmp_path / "w.pyth")
    done = convert(tmp_path / "w.pyth", "timesformer", tmp_path / "w.safetensors")
    assert done.layout == "official"
    assert done.unknown == ()
    assert len(done.report.names("loaded")) == len(model.state_dict())
    again = load("timesformer", tmp_path / "w.safetensors")
    # space-only files do not say how many frames the model was trained on
    assert replace(again.config, frames=4) == model.config
    assert torch.equal(again(clip()), model(clip()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pyth", "w.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize("attention", RELEASED)
@pytest.mark.parametrize("wrap", ["model_state", "state_dict", "bare"])
def test_official_pickles_become_the_same_model(tmp_path: Path, attention: Attention, wrap: str) -> None:
    check_official_pickle(tmp_path, attention, wrap)


def test_an_official_pickle_becomes_the_same_model(tmp_path: Path) -> None:
    check_official_pickle(tmp_path, "divided", "model_state")


def test_hugging_face_files_are_recognised(tmp_path: Path) -> None:
    model = model_of()
    save_file(hugging_face("divided").export(model.state_dict()), tmp_path / "model.safetensors")
    done = convert(tmp_path / "model.safetensors", "timesformer", tmp_path / "w.safetensors")
    assert done.layout == "hugging_face"
    assert torch.equal(load("timesformer", tmp_path / "w.safetensors")(clip()), model(clip()))


def test_what_no_file_records_is_asked_for(tmp_path: Path) -> None:
    model = model_of(dim=48, heads=4)
    file = official_file(tmp_path, model)
    done = convert(file, "timesformer", tmp_path / "w.safetensors")
    assert done.unknown == ("heads",)
    assert "heads" in "\n".join(done.lines())
    with pytest.raises(ConfigError, match="heads"):
        load("timesformer", tmp_path / "w.safetensors")
    assert torch.equal(load("timesformer", tmp_path / "w.safetensors", settings={"heads": 4})(clip()), model(clip()))
    given = convert(file, "timesformer", tmp_path / "w.safetensors", settings={"heads": "4"})
    assert given.unknown == ()
    assert torch.equal(load("timesformer", tmp_path / "w.safetensors")(clip()), model(clip()))


def test_the_file_keeps_its_card(tmp_path: Path) -> None:
    file = official_file(tmp_path, model_of())
    done = convert(file, "timesformer", tmp_path / "w.safetensors", labels=("a", "b", "c", "d", "e"))
    assert done.card.weights_licence == "CC-BY-NC-4.0"
    assert json.loads(done.card.config)["frames"] == 4
    model = load("timesformer", tmp_path / "w.safetensors")
    assert model.labels == ("a", "b", "c", "d", "e")
    assert isinstance(model.spec, InputSpec)
    assert model.spec.frames == 4
    with pytest.raises(LicenceError, match="CC-BY-NC"):
        load("timesformer", tmp_path / "w.safetensors", commercial=True)


def damaged(tmp_path: Path, change: Any) -> Path:
    state = dict(official("divided").export(model_of().state_dict()))
    change(state)
    save_file(state, tmp_path / "official.safetensors")
    return tmp_path / "official.safetensors"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda s: s.pop("blocks.1.temporal_fc.bias"), "missing", "blocks.1.steps.time.fc.bias"),
        (lambda s: s.pop("head.weight"), "missing", "head.weight"),
        (lambda s: s.update({"blocks.0.attn.extra": torch.ones(1)}), "unexpected", "blocks.0.attn.extra"),
        (lambda s: s.update({"fpn.weight": torch.ones(1)}), "unexpected", "fpn.weight"),
        (lambda s: s.update({"norm.weight": torch.ones(3)}), "mismatched", "norm.weight"),
        (lambda s: s.update({"norm.weight": torch.ones(64).half()}), "mismatched", "float16"),
        (lambda s: (s.clear(), s.update({"conv1.weight": torch.ones(1)})), "unexpected", "conv1.weight"),
    ],
)
def test_other_architectures_leave_no_file(tmp_path: Path, change: Any, field: str, words: str) -> None:
    file = damaged(tmp_path, change)
    with pytest.raises(IncompatibleCheckpoint) as caught:
        convert(file, "timesformer", tmp_path / "w.safetensors")
    assert any(words in key for key in getattr(caught.value, field))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["official.safetensors"]


def test_half_precision_is_converted_on_request(tmp_path: Path) -> None:
    file = damaged(tmp_path, lambda s: s.update({key: value.half() for key, value in s.items()}))
    done = convert(file, "timesformer", tmp_path / "w.safetensors", cast=True)
    assert len(done.report.names("converted")) == len(model_of().state_dict())
    assert load_file(tmp_path / "w.safetensors")["norm.weight"].dtype == torch.float32


def test_wrong_requests(tmp_path: Path) -> None:
    file, out = damaged(tmp_path, lambda s: None), tmp_path / "w.safetensors"
    with pytest.raises(ConfigError, match="Did you mean 'timesformer'"):
        convert(file, "timesfomer", out)
    for wrong, words in (
        ({"layout": "keras"}, "hugging_face"),
        ({"variant": "huge"}, "base"),
        ({"settings": {"speed": 1}}, "speed"),
        ({"settings": {"heads": "many"}}, "heads=many"),
    ):
        with pytest.raises(ConfigError, match=words):
            convert(file, "timesformer", out, **wrong)
    with pytest.raises(ConfigError, match="ending"):
        convert(file, "timesformer", tmp_path / "w.pth")
    with pytest.raises(ConfigError, match="no such folder"):
        convert(file, "timesformer", tmp_path / "absent" / "w.safetensors")
    with pytest.raises(IncompatibleCheckpoint, match="not base: frames is 4 instead of 8"):
        convert(file, "timesformer", out, variant="base")
    with pytest.raises(UnsafeCheckpoint, match="weights convert"):
        load("timesformer", tmp_path / "w.pth")
    assert not out.exists()


# --- image transformers -----------------------------------------------------------------------------------------------


def image_state() -> dict[str, torch.Tensor]:
    return official("space").export(model_of("space").state_dict())


@pytest.mark.parametrize("attention", ["divided", "joint", "space", "local_global", "axial"])
def test_an_inflated_model_sees_still_frames_as_the_image_model_does(attention: Attention) -> None:
    config = replace(SMALL, attention=attention)
    model = TimeSformer(config).eval()
    load_weights(model, inflate(image_state(), config))
    still = clip()[:, :1].expand(-1, 4, -1, -1, -1)
    if attention in ("divided", "space"):
        assert_close(model(still), model_of("space")(still), atol=1e-4, rtol=1e-4)
    if attention == "joint":
        # with one frame the sequence is that of the image model
        assert_close(model(still[:, :1]), model_of("space")(still[:, :1]), atol=1e-4, rtol=1e-4)


def test_inflation_copies_space_attention_to_time_and_silences_it() -> None:
    state, image = inflate(image_state(), SMALL), image_state()
    for layer, theirs in (("attention.qkv.weight", "attn.qkv.weight"), ("norm.bias", "norm1.bias")):
        assert torch.equal(state[f"blocks.1.steps.time.{layer}"], image[f"blocks.1.{theirs}"])
    assert float(state["blocks.1.steps.time.fc.weight"].abs().max()) == 0
    assert float(state["time_table"].abs().max()) == 0
    assert torch.equal(state["head.weight"], image["head.weight"])


def test_inflation_draws_a_new_head_for_other_classes_and_resizes_the_table() -> None:
    config = replace(SMALL, classes=9, size=32)
    states = [inflate(image_state(), config, generator=torch.Generator().manual_seed(4)) for _ in range(2)]
    assert states[0]["head.weight"].shape == (9, 64)
    assert torch.equal(states[0]["head.weight"], states[1]["head.weight"])
    assert states[0]["space_table"].shape == (1, 17, 64)


def test_inflation_refuses_what_it_does_not_know() -> None:
    image = image_state()
    with pytest.raises(IncompatibleCheckpoint, match="pre_logits"):
        inflate({**image, "pre_logits.fc.weight": torch.ones(1)}, SMALL)
    del image["blocks.0.attn.qkv.bias"]
    with pytest.raises(IncompatibleCheckpoint, match=r"qkv\.bias"):
        inflate(image, SMALL)
    with pytest.raises(IncompatibleCheckpoint, match=r"blocks\.1"):
        inflate(image_state(), replace(SMALL, depth=1))


def test_an_image_transformer_through_the_converter(tmp_path: Path) -> None:
    save_file(image_state(), tmp_path / "vit.safetensors")
    settings = {"frames": 4, "size": 16, "patch": 8, "dim": 64, "depth": 2, "heads": 1, "classes": 5}
    done = convert(
        tmp_path / "vit.safetensors", "timesformer", tmp_path / "w.safetensors", layout="vit", settings=settings
    )
    assert json.loads(done.card.config)["attention"] == "divided"
    still = clip()[:, :1].expand(-1, 4, -1, -1, -1)
    assert_close(load("timesformer", done.out)(still), model_of("space")(still), atol=1e-4, rtol=1e-4)


# --- another crop -----------------------------------------------------------------------------------------------------


def test_tables_resized_at_loading_equal_tables_resized_while_running() -> None:
    trained, wanted = model_of(), replace(SMALL, size=32, frames=6)
    model = TimeSformer(wanted).eval()
    load_weights(model, resize_tables(trained.state_dict(), SMALL, wanted))
    assert_close(model(clip(wanted)), trained(clip(wanted)))
    with pytest.raises(IncompatibleCheckpoint) as caught:
        load_weights(TimeSformer(wanted), trained.state_dict())
    assert len(caught.value.mismatched) == 2


def test_the_legacy_resize_is_another_table() -> None:
    trained, wanted = model_of(size=24), replace(SMALL, size=32)
    tables = [
        resize_tables(trained.state_dict(), trained.config, wanted, mode=m)["space_table"]
        for m in ("nearest", "legacy")
    ]
    assert tables[0].shape == tables[1].shape
    assert not torch.equal(tables[0], tables[1])
