"""Training end to end on tiny clips: it learns, resumes to the same bits, survives NaN, and counts batches honestly."""

from __future__ import annotations

import json

import pytest
import torch

from onlooker.errors import ConfigError, RunLocked, StorageError
from onlooker.methods import loading
from onlooker.training.guard import Diverged
from onlooker.training.log import read_log
from onlooker.training.run import build_model, train


class Stop(Exception):
    pass


def stop_after(step):
    def tell(phase, done, total):
        if phase == "train" and done == step:
            raise Stop

    return tell


def losses(folder):
    return [(row["step"], row["loss"], row["norm"]) for row in read_log(folder / "log.jsonl") if row["kind"] == "step"]


def test_it_learns_and_leaves_what_it_promises(colours, recipe, tmp_path):
    result = train(recipe(loop={"epochs": 6, "ema": 0.5}), tmp_path / "run", device="cpu")
    assert result.accuracy.top1 == 1.0
    assert result.steps == 18
    names = {path.name for path in result.folder.iterdir()}
    assert names >= {"recipe.yaml", "log.jsonl", "curves.html", "model.safetensors", "best.safetensors", "result.json"}
    assert "run.lock" not in names
    stored = json.loads((result.folder / "result.json").read_text())
    assert stored["accuracy"]["top1"] == 1.0
    assert stored["machine"]["cpu"]
    page = (result.folder / "curves.html").read_text()
    assert page.count("<svg") == 4
    assert "http" not in page
    model = loading.load("timesformer", result.folder / "model.safetensors")
    clip = colours["val"].clips(4, model.spec, 1)[0]
    assert model.predict(clip).top(1)[0][0] == "green"


@pytest.mark.parametrize(
    ("steps", "changes"),
    [
        ((1, 4), {}),
        (
            (3, 8),
            {
                "loop": {"ema": 0.9, "accumulate": 2, "clip_norm": 1.0},
                "augment": {"mixup": 0.8, "cutmix": 1.0, "label_smoothing": 0.1},
            },
        ),
        ((5,), {"optimizer": {"name": "sgd", "nesterov": True}, "augment": {"rand_augment": {"operations": 1}}}),
    ],
    ids=["plain", "everything", "sgd"],
)
def test_an_interrupted_run_goes_on_to_the_same_bits(colours, recipe, tmp_path, steps, changes):
    asked = recipe(**changes)
    train(asked, tmp_path / "whole", device="cpu")
    # interrupted in the first epoch before any checkpoint, at an epoch's end, right behind a checkpoint, or twice
    for step in steps:
        with pytest.raises(Stop):
            train(asked, tmp_path / "cut", device="cpu", tell=stop_after(step))
        torch.rand(7)  # whatever happened in between must not matter
    train(asked, tmp_path / "cut", device="cpu")
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == 9
    for name in ("log.jsonl", "model.safetensors", "curves.html"):
        cut, whole = ((tmp_path / run / name).read_bytes() for run in ("cut", "whole"))
        assert cut.replace(b"cut", b"whole") == whole, name


def test_a_finished_run_is_not_trained_again(colours, recipe, tmp_path):
    first = train(recipe(), tmp_path / "run", device="cpu")
    second = train(recipe(), tmp_path / "run", device="cpu", tell=stop_after(1))
    assert second.accuracy == first.accuracy


def test_a_damaged_newest_checkpoint_is_passed_over(colours, recipe, tmp_path):
    train(recipe(), tmp_path / "whole", device="cpu")
    with pytest.raises(Stop):
        train(recipe(), tmp_path / "cut", device="cpu", tell=stop_after(5))
    newest = sorted((tmp_path / "cut" / "checkpoints").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    train(recipe(), tmp_path / "cut", device="cpu")
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_accumulation_gives_the_gradient_of_the_whole_batch(colours, recipe, tmp_path):
    still = {"model": {"settings": {**recipe().model.settings, "drop_path": 0.0}}}
    train(recipe(**still), tmp_path / "one", device="cpu")
    train(recipe(**still, loop={"accumulate": 4}), tmp_path / "four", device="cpu")
    for (_, loss, norm), (_, other, others_norm) in zip(
        losses(tmp_path / "one"), losses(tmp_path / "four"), strict=True
    ):
        assert loss == pytest.approx(other, rel=1e-3)
        assert norm == pytest.approx(others_norm, rel=1e-2)


def poison(monkeypatch, steps):
    """Make the loss of these optimiser steps NaN."""
    from onlooker.training import objective

    original, calls = objective.soft_cross_entropy, iter(range(10_000))

    def loss(logits, targets):
        value = original(logits, targets)
        return value * float("nan") if next(calls) in steps else value

    monkeypatch.setattr(objective, "soft_cross_entropy", loss)


def test_a_bad_step_is_skipped_and_counted(colours, recipe, tmp_path, monkeypatch):
    poison(monkeypatch, {4})
    result = train(recipe(), tmp_path / "run", device="cpu")
    assert (result.steps, result.bad_steps) == (9, 1)
    rows = [row for row in read_log(tmp_path / "run" / "log.jsonl") if row["kind"] == "step"]
    assert [row["step"] for row in rows if row["skipped"]] == [5]
    assert rows[4]["loss"] is None
    weights = loading.load("timesformer", tmp_path / "run" / "model.safetensors").state_dict()
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_too_many_bad_steps_end_the_run_and_keep_the_last_good_checkpoint(colours, recipe, tmp_path, monkeypatch):
    poison(monkeypatch, set(range(5, 100)))
    with pytest.raises(Diverged, match="2 steps had no finite loss"):
        train(recipe(loop={"max_bad_steps": 2}), tmp_path / "run", device="cpu")
    from safetensors.torch import load_file

    newest = load_file(sorted((tmp_path / "run" / "checkpoints").iterdir())[-1])
    assert all(torch.isfinite(tensor.float()).all() for tensor in newest.values())
    assert (tmp_path / "run" / "curves.html").exists()


def test_a_folder_of_another_recipe_is_refused_by_the_name_of_what_differs(colours, recipe, tmp_path):
    with pytest.raises(Stop):
        train(recipe(), tmp_path / "run", device="cpu", tell=stop_after(1))
    with pytest.raises(StorageError, match=r"another recipe \(optimizer\.lr\)"):
        train(recipe(optimizer={"lr": 0.5}), tmp_path / "run", device="cpu")


def test_a_second_writer_is_refused(colours, recipe, tmp_path):
    def tell(phase, done, total):
        with pytest.raises(RunLocked):
            train(recipe(), tmp_path / "run", device="cpu")
        raise Stop

    with pytest.raises(Stop):
        train(recipe(), tmp_path / "run", device="cpu", tell=tell)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loop": {"batch": 7, "accumulate": 2}}, "loop.batch=7"),
        ({"loop": {"batch": 64}}, "do not fill one batch"),
        ({"model": {"settings": {"classes": 5}}}, "5 classes, the data 3"),
        ({"model": {"method": "timesformr"}}, "timesformer"),
        ({"optimizer": {"no_decay": ["nothing_like_it"]}}, "nothing_like_it"),
    ],
)
def test_impossible_requests_say_what_to_change(colours, recipe, tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words):
        train(recipe(**changes), tmp_path / "run", device="cpu")


def test_weights_to_start_from_with_a_fresh_head(colours, recipe, tmp_path):
    train(recipe(loop={"epochs": 1}), tmp_path / "first", device="cpu")
    start = str(tmp_path / "first" / "model.safetensors")
    colours["train"].classes = colours["val"].classes = ("red", "green", "blue", "none")
    colours["train"].label = lambda index: index % 4
    asked = recipe(model={"weights": start, "fresh": ["head"]}, loop={"epochs": 1})
    train(asked, tmp_path / "second", device="cpu", tell=None)
    assert loading.load("timesformer", tmp_path / "second" / "model.safetensors").config.classes == 4
    with pytest.raises(ConfigError, match="names nothing"):
        train(recipe(model={"weights": start, "fresh": ["tail"]}), tmp_path / "third", device="cpu")


@pytest.mark.parametrize(
    "changes", [{"loop": {"checkpointing": True}}, {"evaluation": {"crops": 3, "every_epochs": 2}}]
)
def test_recomputing_activations_and_more_views(colours, recipe, tmp_path, changes):
    train(recipe(), tmp_path / "plain", device="cpu")
    result = train(recipe(**changes), tmp_path / "other", device="cpu")
    assert losses(tmp_path / "other") == losses(tmp_path / "plain")
    assert result.accuracy.videos == 9


def test_gain_scales_random_linear_weights_and_no_others(recipe):
    plain, scaled = (build_model(recipe(model={"gain": gain}).model, ("a", "b"), 0) for gain in (1.0, 4.0))
    torch.testing.assert_close(scaled.head.weight, 4 * plain.head.weight)
    assert torch.equal(scaled.norm.weight, plain.norm.weight)
    assert torch.equal(scaled.space_table, plain.space_table)
    with pytest.raises(ConfigError, match=r"model\.gain"):
        build_model(recipe(model={"gain": 4.0, "weights": "some.safetensors"}).model, ("a", "b"), 0)
