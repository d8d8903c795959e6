"""Fixtures found, methods known from paths, tolerances applied, and the command's exit codes and JSON."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from onlooker.cli.methods import app as methods_app
from onlooker.cli.parity import app as parity_app
from onlooker.cli.weights import app as weights_app
from onlooker.errors import ConfigError, LicenceError
from onlooker.methods.parity import run_parity, verdict
from onlooker.methods.recognition.timesformer import Config, TimeSformer
from onlooker.methods.recognition.timesformer.convert import official
from onlooker.methods.recognition.timesformer.parity import run

torch.set_num_threads(1)


def made(folder: Path, *, readme: str = "Tolerance: absolute 1e-5, relative 1e-4.", **sizes: Any) -> Path:
    """A fixture of the recorded form with other sizes, whose outputs are our own."""
    config = Config(**{"frames": 3, "size": 24, "patch": 8, "dim": 24, "depth": 4, "heads": 3, "classes": 4, **sizes})
    model = TimeSformer(config, generator=torch.Generator().manual_seed(0)).eval()
    video = torch.randn(2, 3, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(readme)
    values = asdict(config)
    scheme = {"divided": "divided_space_time", "joint": "joint_space_time", "space": "space_only"}[config.attention]
    names = {"image_size": "size", "patch_size": "patch", "embed_dim": "dim", "depth": "depth", "num_heads": "heads"}
    names |= {"mlp_ratio": "mlp_ratio", "num_classes": "classes", "num_frames_trained": "frames"}
    names |= {"qkv_bias": "qkv_bias", "layernorm_eps": "norm_eps"}
    described = {theirs: values[ours] for theirs, ours in names.items()} | {"attention_type": scheme}
    (folder / "config.json").write_text(json.dumps(described))
    save_file(official(config.attention).export(model.state_dict()), folder / "weights.safetensors")
    save_file({"video": video.transpose(1, 2).contiguous()}, folder / "inputs.safetensors")
    save_file(
        {name: value.contiguous().clone() for name, value in run(model, video).items()}, folder / "outputs.safetensors"
    )
    return folder


def change(folder: Path, name: str, by: float) -> None:
    outputs = load_file(folder / "outputs.safetensors")
    outputs[name] = outputs[name] + by
    save_file(outputs, folder / "outputs.safetensors")


@pytest.mark.parametrize("attention", ["divided", "joint", "space"])
def test_other_sizes_and_depths_of_the_same_form(tmp_path: Path, attention: str) -> None:
    (result,) = run_parity(made(tmp_path / "timesformer" / "other", attention=attention))
    assert (result.method, result.status, result.folder) == ("timesformer", "within", "other")
    assert result.max_absolute < 1e-6


def test_an_output_over_tolerance_is_named(tmp_path: Path) -> None:
    folder = made(tmp_path / "timesformer" / "x")
    change(folder, "logits", 1e-3)
    (result,) = run_parity(folder)
    assert result.status == "over"
    assert [output.name for output in result.outputs if not output.within] == ["logits"]
    assert result.max_absolute == pytest.approx(1e-3, rel=0.01)
    assert run_parity(folder, tol=1e-2)[0].status == "within"
    assert run_parity(folder, tol=0)[0].status == "over"


def test_tolerance_comes_from_the_readme_or_the_one_above_else_is_1e_4(tmp_path: Path) -> None:
    folder = made(tmp_path / "timesformer" / "x", readme="nothing said")
    change(folder, "logits", 5e-5)
    assert run_parity(folder)[0].status == "within"
    (tmp_path / "timesformer" / "README.md").write_text("Tolerance 1e-6.")
    assert run_parity(folder)[0].status == "over"
    (folder / "README.md").write_text("Tolerance 1e-4.")
    assert run_parity(folder)[0].status == "within"


def test_method_by_flag_and_unknown_fixtures(tmp_path: Path) -> None:
    folder = made(tmp_path / "unnamed")
    assert run_parity(folder)[0].status == "not implemented"
    assert not verdict(run_parity(folder))
    assert run_parity(folder, method="timesformer")[0].status == "within"
    with pytest.raises(ConfigError, match="Did you mean"):
        run_parity(folder, method="timesformr")


def test_a_tree_of_fixtures(tmp_path: Path) -> None:
    made(tmp_path / "timesformer" / "a")
    shutil.copytree(tmp_path / "timesformer" / "a", tmp_path / "timesformer" / "b")
    shutil.copytree(tmp_path / "timesformer" / "a", tmp_path / "nobody_knows")
    results = {result.folder: result.status for result in run_parity(tmp_path)}
    assert results == {
        "timesformer/a": "within",
        "timesformer/b": "within",
        "nobody_knows": "not implemented",
    }
    assert verdict(run_parity(tmp_path))


def test_recorded_outputs_that_nothing_computes_are_listed(tmp_path: Path) -> None:
    folder = made(tmp_path / "timesformer" / "x")
    outputs = load_file(folder / "outputs.safetensors")
    save_file({**outputs, "secret": torch.ones(1)}, folder / "outputs.safetensors")
    assert run_parity(folder)[0].uncompared == ("secret",)
    save_file({"secret": torch.ones(1)}, folder / "outputs.safetensors")
    assert run_parity(folder)[0].status == "error"


@pytest.mark.parametrize("damage", ["weights", "config", "shape"])
def test_broken_fixtures_are_errors_and_do_not_stop_others(tmp_path: Path, damage: str) -> None:
    folder = made(tmp_path / "timesformer" / "a")
    made(tmp_path / "timesformer" / "b")
    if damage == "weights":
        weights = load_file(folder / "weights.safetensors")
        del weights["norm.bias"]
        save_file(weights, folder / "weights.safetensors")
    elif damage == "config":
        (folder / "config.json").write_text("{}")
    else:
        save_file({"logits": torch.ones(7)}, folder / "outputs.safetensors")
    first, second = run_parity(tmp_path)
    assert first.status == ("over" if damage == "shape" else "error")
    assert first.problem or not first.outputs[0].within
    assert second.status == "within"
    assert not verdict([first, second])


def test_no_fixture_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no fixture"):
        run_parity(tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        run_parity(tmp_path / "absent")
    with pytest.raises(ConfigError, match="tolerance"):
        run_parity(tmp_path, tol=-1)


# --- the commands -----------------------------------------------------------------------------------------------------


def test_parity_command(tmp_path: Path) -> None:
    folder, runner = made(tmp_path / "timesformer" / "x"), CliRunner()
    plain = runner.invoke(parity_app, [str(folder)])
    assert plain.exit_code == 0
    assert "1 of 1 fixtures within tolerance" in plain.stdout
    assert "logits" in plain.stdout
    change(folder, "logits", 1.0)
    failed = runner.invoke(parity_app, [str(folder), "--json"])
    assert failed.exit_code == 1
    document = json.loads(failed.stdout)
    assert document["passed"] is False
    worst = {output["name"]: output for output in document["fixtures"][0]["outputs"]}["logits"]
    assert worst["within"] is False
    assert worst["max_absolute"] == pytest.approx(1.0, rel=1e-4)
    assert runner.invoke(parity_app, [str(folder), "--tol", "2"]).exit_code == 0


def test_parity_json_has_no_infinities(tmp_path: Path) -> None:
    folder = made(tmp_path / "timesformer" / "x")
    save_file({"logits": torch.ones(7)}, folder / "outputs.safetensors")
    out = CliRunner().invoke(parity_app, [str(folder), "--json"])
    assert out.exit_code == 1
    assert json.loads(out.stdout)["fixtures"][0]["outputs"][0]["max_absolute"] is None


def test_methods_command() -> None:
    plain = CliRunner().invoke(methods_app, [])
    assert "timesformer" in plain.stdout
    document = json.loads(CliRunner().invoke(methods_app, ["timesformer", "--json", "--count"]).stdout)
    assert document["methods"][0]["sizes"]["hr"]["parameters"] == 122_024_080


def test_weights_commands(tmp_path: Path) -> None:
    model = TimeSformer(Config(frames=2, size=16, patch=8, dim=64, depth=1, heads=1, classes=3))
    source, out = tmp_path / "official.safetensors", tmp_path / "ours.safetensors"
    save_file(official("divided").export(model.state_dict()), source)
    runner = CliRunner()
    arguments = ["convert", str(source), "--method", "timesformer", "--out", str(out)]
    plain = runner.invoke(weights_app, [*arguments, "--keys"])
    assert plain.exit_code == 0, plain.exception
    assert plain.stdout.count("\n") == 2 + len(model.state_dict())
    document = json.loads(runner.invoke(weights_app, [*arguments, "--set", "heads=2", "--json"]).stdout)
    assert document["config"]["heads"] == 2
    assert {key["status"] for key in document["keys"]} == {"loaded"}
    shown = runner.invoke(weights_app, ["show", str(out)])
    assert "CC-BY-NC-4.0" in shown.stdout
    assert json.loads(runner.invoke(weights_app, ["show", str(out), "--json"]).stdout)["sha256"] == document["sha256"]
    assert isinstance(runner.invoke(weights_app, ["show", str(out), "--commercial"]).exception, LicenceError)
    assert isinstance(runner.invoke(weights_app, [*arguments, "--set", "heads"]).exception, ConfigError)


@pytest.mark.real
def test_the_shared_fixtures_of_this_room(parity: Path) -> None:
    results = run_parity(parity / "timesformer")
    assert [result.status for result in results] == ["within"] * 4
