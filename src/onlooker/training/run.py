"""`onlooker train`: from a recipe to weights, curves and accuracy in one folder; the same call again goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from onlooker.data.checks import Look, check_splits
from onlooker.data.source import ClipSource, MultiLabelSource
from onlooker.errors import ConfigError, StorageError
from onlooker.methods.loading import load
from onlooker.methods.registry import find
from onlooker.records.jsonsafe import pretty_json
from onlooker.records.lock import RunLock
from onlooker.storage import atomic_write, make_folder
from onlooker.training.checkpoint import Store
from onlooker.training.curves import write_curves
from onlooker.training.evaluation import Accuracy, score_videos, summarise
from onlooker.training.log import Log
from onlooker.training.loop import Tell, Trainer
from onlooker.training.machine import commit, describe_machine
from onlooker.training.objective import classification, multi_label
from onlooker.training.processes import Processes, start_processes
from onlooker.training.recipe import Model, Recipe, parse_yaml
from onlooker.training.sharding import whole_state
from onlooker.training.sources import open_source
from onlooker.video.conformance.machine import now
from onlooker.weights.card import Card
from onlooker.weights.inputs import InputSpec
from onlooker.weights.saving import save_weights


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out: the folder, figures on the validation split, warnings of the data check."""

    folder: Path
    accuracy: Accuracy
    best: float
    steps: int
    bad_steps: int
    seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "folder": str(self.folder), "warnings": list(self.warnings)}


def train(
    recipe: Recipe, out: str | Path, *, base: str | Path = ".", device: str | None = None, tell: Tell | None = None
) -> Trained:
    """Check the data, train, evaluate, and leave in `out`: `recipe.yaml`, `log.jsonl`, `curves.html`, `checkpoints/`,
    `model.safetensors` (the last weights, averaged where the recipe says so), `best.safetensors` and `result.json`.

    Paths in the recipe are relative to `base`. A folder with checkpoints of the same recipe is continued, to the same
    losses as if it had never been interrupted. `tell(phase, done, total)` hears of progress.

    Raises ConfigError, RecordError (faults of the data), RunLocked, StorageError (another recipe's folder), MediaError,
    Diverged.
    """
    started, folder = time.perf_counter(), Path(out)
    processes = start_processes(recipe.loop, device)
    # the folder is only made when the videos were found good: a run that goes on need not open them all again
    known = (folder / "recipe.yaml").is_file()
    sources, warnings = _open_checked(recipe, Path(base), "exist" if known else recipe.data.check_videos)
    make_folder(folder)
    with RunLock(folder) if processes.rank == 0 else nullcontext():
        if processes.rank == 0:
            _claim(folder, recipe)
        processes.wait()
        model = build_model(recipe.model, sources["train"].classes, recipe.seed)
        run = _Run(recipe, folder, processes, model, sources, tell or (lambda *_: None))
        accuracy = run.train()
        result = Trained(
            folder,
            accuracy,
            run.trainer.position.best or 0.0,
            run.trainer.position.step,
            run.trainer.position.bad_steps,
            time.perf_counter() - started,
            tuple(warnings),
        )
        if processes.rank == 0:
            where = describe_machine(str(processes.device)) | {"processes": processes.count}
            facts = {"date": now(), "commit": commit(), "machine": where}
            atomic_write(folder / "result.json", pretty_json({**result.to_dict(), "folder": folder.name, **facts}))
    return result


def check_data(recipe: Recipe, *, base: str | Path = ".") -> dict[str, Any]:
    """Only the checks before training: numbers of videos and warnings. Raises ConfigError, RecordError."""
    sources, warnings = _open_checked(recipe, Path(base), recipe.data.check_videos)
    return {**{name: len(source) for name, source in sources.items()}, "warnings": warnings}


def _open_checked(recipe: Recipe, base: Path, look: Look) -> tuple[dict[str, ClipSource], list[str]]:
    train, val = open_source(recipe.data.train, base), recipe.data.val
    if getattr(val, "labels", None) == ():
        # a class that happens to be missing from validation must not shift the numbers of the others
        val = val.model_copy(update={"labels": train.classes})
    sources = {"train": train, "val": open_source(val, base)}
    if recipe.loop.shard and recipe.data.val.kind == "world_people":
        raise ConfigError("detectors are tested whole: drop loop.shard.")
    several = [name for name, source in sources.items() if isinstance(source, MultiLabelSource) and source.multi_label]
    if several and recipe.objective == "one_label":
        raise ConfigError(f"videos of {several[0]} have several labels: say objective: multi_label.")
    if recipe.objective == "multi_label" and len(several) < len(sources):
        raise ConfigError("objective: multi_label needs data whose videos may have several labels, such as charades.")
    return sources, check_splits(sources, content=recipe.data.check_content, look=look)


def build_model(recipe: Model, classes: tuple[str, ...], seed: int) -> Any:
    """The recipe's model with its first weights. Raises ConfigError when it has another number of classes."""
    torch.manual_seed(seed)
    name = f"{recipe.method}/{recipe.variant}" if recipe.variant else recipe.method
    settings = {"classes": len(classes), **recipe.settings}
    if recipe.gain != 1.0 and recipe.weights:
        raise ConfigError("model.gain scales random weights; these come from model.weights: drop one of them.")
    model = load(name, None if recipe.fresh else recipe.weights, settings=settings)
    if recipe.fresh and recipe.weights:
        _load_partly(model, recipe)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(recipe.gain)
    if model.config.classes != len(classes):
        raise ConfigError(
            f"the model has {model.config.classes} classes, the data {len(classes)}: drop model.settings.classes, and "
            "name the head in model.fresh when the weights have others."
        )
    model.labels = classes
    return model


def _load_partly(model: Any, recipe: Model) -> None:
    """All weights but those whose names begin with one of `fresh`, which keep their random start."""
    from onlooker.weights.loading import load_weights, open_state

    state, _, _ = open_state(str(recipe.weights))
    own = {name: value for name, value in model.state_dict().items() if name.startswith(recipe.fresh)}
    if not own:
        raise ConfigError(f"model.fresh={list(recipe.fresh)} names nothing in {recipe.method}.")
    kept = {name: value for name, value in state.items() if not name.startswith(recipe.fresh)}
    load_weights(model, {**kept, **own})


def _claim(folder: Path, recipe: Recipe) -> None:
    """Write the recipe into a new folder, or make sure that the folder's own is the same."""
    path = folder / "recipe.yaml"
    if not path.exists():
        atomic_write(path, recipe.to_yaml().encode())
        return
    known = parse_yaml(path.read_bytes(), path.name)
    if Recipe.model_validate(known).digest() != recipe.digest():
        changed = ", ".join(sorted(_differences(known, recipe.to_dict())))
        raise StorageError(f"{folder} holds a run of another recipe ({changed}): choose another folder with --out.")


def _differences(one: Any, other: Any, place: str = "") -> set[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = set(one) | set(other)
        parts = [_differences(one.get(key), other.get(key), f"{place}.{key}".lstrip(".")) for key in keys]
        return set().union(*parts)
    return set() if one == other else {place}


class _Run:
    """One process's part of a training run."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        processes: Processes,
        model: Any,
        sources: Mapping[str, ClipSource],
        tell: Tell,
    ) -> None:
        self.recipe, self.folder, self.processes, self.model = recipe, folder, processes, model
        self.val, self.tell = sources["val"], tell
        if recipe.loop.checkpointing:
            if not hasattr(model, "checkpointing"):
                raise ConfigError(f"{recipe.model.method} cannot recompute activations: drop loop.checkpointing.")
            model.checkpointing = True
        spec: InputSpec = model.spec
        self.spec = replace(spec, views=recipe.evaluation.crops)
        if recipe.objective == "multi_label":
            model.multi_label = True
            objective = multi_label(spec, recipe.augment)
        else:
            objective = classification(spec, recipe.augment, model.config.classes)
        store = Store(folder / "checkpoints", recipe.checkpoints.keep)
        self.trainer = Trainer(model, sources["train"], spec, objective, recipe, processes, store)
        self.log = Log(folder / "log.jsonl", until=self.trainer.position.step) if processes.rank == 0 else None
        self._last: Accuracy | None = None

    def train(self) -> Accuracy:
        """To the end; gives the accuracy of the last weights."""
        try:
            self.trainer.run(self.log, self._after_epoch, self.tell)
            accuracy = self._last or self._evaluate()
            self._keep("model.safetensors")
        finally:
            if self.log is not None:
                self.log.close()
                write_curves(self.folder)
        return accuracy

    def _after_epoch(self, trainer: Trainer) -> None:
        epoch, last = trainer.position.epoch, trainer.position.epoch == self.recipe.loop.epochs
        if epoch % self.recipe.evaluation.every_epochs and not last:
            return
        self._last = accuracy = self._evaluate()
        if self.log is not None:
            self.log.write("evaluation", trainer.position.step, epoch=epoch, **asdict(accuracy))
            write_curves(self.folder)
        if trainer.position.best is None or accuracy.figure[1] > trainer.position.best:
            trainer.position.best = accuracy.figure[1]
            self._keep("best.safetensors")

    def _evaluate(self) -> Accuracy:
        self.tell("evaluate", 0, len(self.val))
        with self._averaged():
            rows = score_videos(
                self.model,
                self.val,
                self.spec,
                self.processes,
                clips=self.recipe.evaluation.clips,
                workers=self.recipe.data.workers,
            )
        return summarise(rows)

    def _averaged(self) -> Any:
        return nullcontext() if self.trainer.ema is None else self.trainer.ema.applied(self.model)

    def _keep(self, name: str) -> None:
        """Write the weights as a file that `load` takes."""
        with self._averaged():
            # copies: behind the block the model has its own weights again
            state = {name: tensor.clone() for name, tensor in whole_state(self.model.state_dict()).items()}
        if self.processes.rank != 0:
            return
        method = find(self.recipe.model.method)
        card = Card(
            method=method.name,
            variant=self.recipe.model.variant,
            # weights that start from others inherit their terms; those of random start are ours
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0" if self.recipe.model.weights is None else method.weights_licence,
            data_licence="none" if self.recipe.data.train.kind.startswith("world") else "unknown",
            origin=f"recipe {self.recipe.name}, seed {self.recipe.seed}",
            config=json.dumps(asdict(self.model.config), sort_keys=True),
            spec=self.spec,
            labels=self.model.labels,
            multi_label=self.recipe.objective == "multi_label",
        )
        save_weights(self.folder / name, state, card)
