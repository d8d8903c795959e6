"""Processes of their own: killed and continued, two instead of one, and none of accelerate."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from functools import partialmethod
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from onlooker.errors import ConfigError, MissingDependency
from onlooker.training.log import read_log
from onlooker.training.processes import PlainProcess, start_processes
from onlooker.training.run import train

WORKER = Path(__file__).with_name("worker.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def work(*arguments, launcher=()):
    command = [sys.executable, *launcher, str(WORKER), *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stderr


def steps(folder):
    return [row for row in read_log(folder / "log.jsonl") if row["kind"] == "step"]


@pytest.mark.slow
def test_kill_nine_between_checkpoints_and_the_same_command_again(tmp_path):
    assert work(tmp_path / "whole")[0] == 0
    assert work(tmp_path / "cut", 5)[0] == -signal.SIGKILL
    assert not (tmp_path / "cut" / "model.safetensors").exists()
    code, text = work(tmp_path / "cut")
    assert code == 0, text
    assert (tmp_path / "cut" / "log.jsonl").read_bytes() == (tmp_path / "whole" / "log.jsonl").read_bytes()
    assert (tmp_path / "cut" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


def two_processes():
    """What starts a script in two processes that know each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), (0, "shard")], ids=["copies", "sharded"])
def test_two_processes_train_as_one_does(tmp_path, how):
    assert work(tmp_path / "one")[0] == 0
    code, text = work(tmp_path / "two", *how, launcher=two_processes())
    assert code == 0, text
    one, two = steps(tmp_path / "one"), steps(tmp_path / "two")
    assert len(one) == len(two) == 9
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], rel=1e-3)
    assert json.loads((tmp_path / "two" / "result.json").read_text())["machine"]["processes"] == 2
    # AdamW divides by the gradient's own size, so weights whose gradient is almost zero may differ more than losses do
    other = load_file(tmp_path / "two" / "model.safetensors")
    for name, tensor in load_file(tmp_path / "one" / "model.safetensors").items():
        torch.testing.assert_close(other[name], tensor, atol=2e-3, rtol=1e-2, msg=name)
    tests = [[row["top1"] for row in read_log(tmp_path / run / "log.jsonl") if "top1" in row] for run in ("one", "two")]
    assert tests[0] == tests[1]


def test_without_accelerate_there_is_one_plain_process(recipe, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    assert isinstance(start_processes(recipe().loop, "cpu"), PlainProcess)
    with pytest.raises(MissingDependency, match=r"onlooker\[train\]"):
        start_processes(recipe(loop={"precision": "bf16"}).loop, "cpu")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(MissingDependency):
        start_processes(recipe().loop, "cpu")


def test_plain_and_accelerated_losses_are_equal(colours, recipe, tmp_path, monkeypatch):
    asked = recipe(loop={"epochs": 1, "accumulate": 2, "clip_norm": 0.5})
    train(asked, tmp_path / "with", device="cpu")
    monkeypatch.setattr("onlooker.training.run.start_processes", lambda loop, device: PlainProcess())
    train(asked, tmp_path / "without", device="cpu")
    assert steps(tmp_path / "with") == steps(tmp_path / "without")


def test_the_command_line_is_read_without_torch():
    code = "import sys, onlooker.cli.train, onlooker.cli.prove; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_recipe_file_runs_from_the_command_line(tmp_path):
    recipe = Path(__file__).resolve().parents[2] / "recipes" / "timesformer" / "world_reversed.yaml"
    small = ["data.train.length=16", "data.val.length=4", "loop.epochs=1", "loop.batch=8", "schedule.warmup_epochs=0"]
    out = tmp_path / "run"
    code = "from onlooker.cli.train import app; app()"
    command = [sys.executable, "-c", code, str(recipe), *small, "--out", str(out), "--device", "cpu", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["steps"] == 2
    assert result["accuracy"]["videos"] == 4
    assert len(list((out / "checkpoints").iterdir())) == 1


def test_bfloat16_trains_after_a_float32_run_in_the_same_process(colours, recipe, tmp_path):
    train(recipe(loop={"epochs": 1}), tmp_path / "full", device="cpu")
    train(recipe(loop={"epochs": 1, "precision": "bf16"}), tmp_path / "half", device="cpu")
    full, half = steps(tmp_path / "full"), steps(tmp_path / "half")
    assert [row["loss"] for row in half] == pytest.approx([row["loss"] for row in full], rel=0.05)
    assert [row["loss"] for row in half] != [row["loss"] for row in full]
    weights = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


@pytest.mark.slow
def test_a_sharded_run_that_was_killed_goes_on(tmp_path):
    assert work(tmp_path / "whole", 0, "shard", launcher=two_processes())[0] == 0
    assert work(tmp_path / "cut", 5, "shard", launcher=two_processes())[0] != 0
    assert len(list((tmp_path / "cut" / "checkpoints").iterdir())) == 2
    code, text = work(tmp_path / "cut", 0, "shard", launcher=two_processes())
    assert code == 0, text
    assert [row["loss"] for row in steps(tmp_path / "cut")] == pytest.approx(
        [row["loss"] for row in steps(tmp_path / "whole")], rel=1e-4
    )
    # checkpoints hold the whole model, so that one process alone goes on from them as well
    shutil.rmtree(tmp_path / "cut" / "checkpoints")
    shutil.copytree(tmp_path / "whole" / "checkpoints", tmp_path / "cut" / "checkpoints")
    newest = sorted((tmp_path / "cut" / "checkpoints").iterdir())[-1]
    assert all(tensor.ndim == 0 or tensor.numel() for tensor in load_file(newest).values())
    code, text = work(tmp_path / "cut")
    assert code == 0, text


def test_accelerates_own_sharding_is_refused_rather_than_half_done(recipe, monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match=r"loop\.shard"):
        start_processes(recipe().loop, "cpu")


@pytest.mark.parametrize(
    ("loop", "processes", "words"),
    [
        ({"precision": "fp16"}, 1, "fp16 needs a CUDA device"),
        ({"compile": True}, 1, r"C\+\+ compiler"),
        ({"shard": True}, 1, "torchrun"),
        ({"shard": True, "compile": True}, 2, "do not go together"),
    ],
)
def test_what_this_machine_cannot_do_is_said_before_training(recipe, monkeypatch, loop, processes, words):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/g++" if "shard" in loop else None)
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(ConfigError, match=words):
        start_processes(recipe(loop=loop).loop, "cpu")


@pytest.mark.slow
def test_a_compiled_model_trains_as_the_plain_one(colours, recipe, tmp_path, monkeypatch):
    # what is captured is what is tested; turning it into machine code takes a C++ compiler minutes
    plainly = partialmethod(torch.nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(torch.nn.Module, "compile", plainly)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    still = {"model": {"settings": {**recipe().model.settings, "drop_path": 0.0}}}
    train(recipe(**still, loop={"epochs": 1}), tmp_path / "plain", device="cpu")
    train(recipe(**still, loop={"epochs": 1, "compile": True}), tmp_path / "compiled", device="cpu")
    plain, compiled = steps(tmp_path / "plain"), steps(tmp_path / "compiled")
    assert [row["loss"] for row in compiled] == pytest.approx([row["loss"] for row in plain], rel=1e-3)
    # files know nothing of it
    assert set(load_file(tmp_path / "compiled" / "model.safetensors")) == set(
        load_file(tmp_path / "plain" / "model.safetensors")
    )
