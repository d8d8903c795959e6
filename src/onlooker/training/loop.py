"""The training loop: one for all recipes, short enough to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from onlooker.data.source import ClipSource
from onlooker.errors import ConfigError
from onlooker.training.batches import Batch, TrainClips, each, epoch_draws, seed_of, train_loader
from onlooker.training.checkpoint import Position, Store, load_checkpoint, save_checkpoint, snapshot
from onlooker.training.ema import Ema
from onlooker.training.guard import Guard
from onlooker.training.log import Log
from onlooker.training.objective import Objective
from onlooker.training.optimizers import make_optimizer, set_rate
from onlooker.training.processes import Processes
from onlooker.training.recipe import Recipe
from onlooker.training.schedules import rate_factor
from onlooker.weights.inputs import InputSpec

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one optimiser step saw: mean loss over the batch, norm of the gradient before clipping."""

    loss: float
    norm: float


class Trainer:
    """A model in training. `after_epoch(trainer)` is called at each epoch's end, before the checkpoint.

    All processes run the same loop; rank 0 alone writes log and checkpoints.
    """

    def __init__(
        self,
        model: nn.Module,
        source: ClipSource,
        spec: InputSpec,
        objective: Objective,
        recipe: Recipe,
        processes: Processes,
        store: Store,
    ) -> None:
        self.model, self.recipe, self.processes, self.store = model, recipe, processes, store
        self.steps_per_epoch = len(source) // recipe.loop.batch
        if self.steps_per_epoch == 0:
            raise ConfigError(
                f"{len(source)} videos do not fill one batch: make loop.batch={recipe.loop.batch} smaller."
            )
        self._clips = TrainClips(source, spec, recipe.augment)
        self._count = len(source)
        self._objective = objective
        self._optimizer = make_optimizer(model.to(processes.device), recipe.optimizer)
        self.ema = None if recipe.loop.ema is None else Ema(model, recipe.loop.ema)
        self.position = self._resume()
        self._guard = Guard(recipe.loop.max_bad_steps, self.position.bad_steps)
        if recipe.loop.compile:
            model.compile()
        self._wrapped, self._stepper = processes.prepare(model, self._optimizer)
        if self.ema is not None:
            self.ema.follow(model)
        processes.load_scaler(self.position.scaler)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.recipe.loop.epochs * self.steps_per_epoch

    def _resume(self) -> Position:
        newest = self.store.newest()
        if newest is None:
            return Position()
        return load_checkpoint(newest, self.model, self._optimizer, self.ema, recipe=self.recipe.digest())

    def run(self, log: Log | None, after_epoch: Callable[[Trainer], None], tell: Tell) -> None:
        """Train from where the run is to its end. Raises Diverged, MediaError, StorageError."""
        while self.position.epoch < self.recipe.loop.epochs:
            self._run_epoch(log, tell)
            self.position.epoch, self.position.step_in_epoch = self.position.epoch + 1, 0
            after_epoch(self)
            self._save(log)

    def _run_epoch(self, log: Log | None, tell: Tell) -> None:
        position, every = self.position, self.recipe.checkpoints.every_steps
        batches = each(self._batches())
        self.model.train()
        while position.step_in_epoch < self.steps_per_epoch:
            rate = self._rate()
            result = self._step([next(batches) for _ in range(self.recipe.loop.accumulate)], rate)
            position.step, position.step_in_epoch = position.step + 1, position.step_in_epoch + 1
            skipped = self._guard.bad > position.bad_steps
            position.bad_steps = self._guard.bad
            if log is not None:
                values = {"loss": result.loss, "norm": result.norm, "rate": rate, "skipped": skipped}
                log.write("step", position.step, epoch=position.epoch, **values)
            if every and position.step % every == 0 and position.step_in_epoch < self.steps_per_epoch:
                self._save(log)
            tell("train", position.step, self.total_steps)

    def _batches(self) -> torch.utils.data.DataLoader[Batch]:
        recipe, position = self.recipe, self.position
        draws = epoch_draws(
            self._count,
            recipe.loop.batch,
            seed=recipe.seed,
            epoch=position.epoch,
            first=position.step_in_epoch,
            parts=recipe.loop.accumulate,
            part=self.processes.rank,
            processes=self.processes.count,
        )
        return train_loader(self._clips, draws, recipe.data.workers)

    def _rate(self) -> float:
        recipe, position = self.recipe, self.position
        epoch = position.epoch + position.step_in_epoch / self.steps_per_epoch
        return recipe.optimizer.lr * rate_factor(recipe.schedule, epoch, recipe.loop.epochs)

    def _step(self, batches: list[Batch], rate: float) -> StepResult:
        set_rate(self._optimizer, rate)
        self._stepper.zero_grad()
        losses = [self._backward(batch, micro, len(batches)) for micro, batch in enumerate(batches)]
        norm = self.processes.clip(self._wrapped, self.recipe.loop.clip_norm)
        total = self.processes.total(torch.stack(losses).sum())
        result = StepResult(float(total) / (len(batches) * self.processes.count), float(norm))
        # loss scaling makes infinite gradients on purpose while it looks for its factor, and skips those steps itself
        scaled = bool(self.processes.scaler_state())
        if self._guard.accepts(result.loss, 0.0 if scaled else result.norm):
            self._stepper.step()
            if self.ema is not None:
                self.ema.update(self.model)
        return result

    def _backward(self, batch: Batch, micro: int, parts: int) -> Tensor:
        # one seed per step, part and process: dropout after a resume is what it would have been
        seed = seed_of(self.recipe.seed, "step", self.position.step, micro, self.processes.rank)
        torch.manual_seed(seed)
        on_device = {key: value.to(self.processes.device, non_blocking=True) for key, value in batch.items()}
        with self.processes.accumulate(self._wrapped, last=micro == parts - 1):
            with self.processes.compute():
                loss = self._objective(self._wrapped, on_device, torch.Generator().manual_seed(seed))
            self.processes.backward(loss / parts)
        return loss.detach().float()

    def _save(self, log: Log | None) -> None:
        self.processes.wait()
        saved = snapshot(self.model, self._optimizer, self.ema)
        if self.processes.rank != 0:
            return
        if log is not None:
            log.sync()
        self.position.scaler = self.processes.scaler_state()
        path = self.store.path(self.position.step)
        save_checkpoint(path, saved, self.position, self.recipe.digest())
        self.store.tidy()
