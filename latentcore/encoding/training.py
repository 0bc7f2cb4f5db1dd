"""Train a variational autoencoder: resumable, to the same weights in every run.

On one machine and one device, with one number of threads, the same seed gives the same weights,
whether or not the training was interrupted: at a kill between two steps, by a cancel, or by a
limit of time. One that goes on keeps the threads that it began with
(`latentcore.encoding.training_state`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoders.vae import VaeNetwork
from latentcore.encoding.training_data import TrainingPatterns
from latentcore.encoding.training_outcome import (
    Diverged,
    Stopped,
    TrainingResult,
    check_losses,
    explained,
)
from latentcore.encoding.training_state import EpochLosses, TrainingState, read_state, write_state
from latentcore.encoding.training_steps import Learner, Targets
from latentcore.errors import Cancelled
from latentcore.progress import Progress

__all__ = ["Targets", "Training", "TrainingResult"]

# Asking an accelerator for a number makes it wait; so not at each step.
_STEPS_BETWEEN_LOOKS = 16
_SECONDS_BETWEEN_SAVES = 60.0
_ORDER = 2


@dataclass(eq=False)
class Training:
    """One training.

    Parameters
    ----------
    model : VaeNetwork
        On the CPU, with its first weights.
    scratch : Path
        Gets the state after every epoch, and every minute.
    question : str
        A state of another question is ignored.
    targets : Targets, optional
        The patterns themselves where not given.
    resume : bool
        Whether to go on from a state in `scratch`.
    max_seconds : float
        Looked at between batches; at least one step is made.
    progress : Progress, optional
        Steps are patterns.
    on_epoch : callable, optional
        ``on_epoch(training)`` before the first step and after each epoch.
    """

    model: VaeNetwork
    patterns: TrainingPatterns
    plan: TrainingPlan
    device: torch.device
    scratch: Path
    question: str
    targets: Targets | None = None
    resume: bool = False
    max_seconds: float = math.inf
    progress: Progress = field(default_factory=Progress)
    on_epoch: Callable[[Training], None] | None = None

    def __post_init__(self) -> None:
        self.learner = Learner(
            self.model, self.patterns, self.plan, self.device, self.targets, self.steps_per_epoch
        )
        self.state = TrainingState()
        self.resumed_epochs = 0
        # Losses that still lie on the device, with the patterns of their steps.
        self._pending: list[tuple[torch.Tensor, int]] = []
        self._since = self._saved_at = time.perf_counter()

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps smaller."""
        return max(1, math.ceil(len(self.patterns.train) / self.plan.batch_size))

    def run(self) -> TrainingResult:
        """Train, and put the best weights into the network.

        Raises
        ------
        RequestError
            If the training diverges before any epoch was finished.
        Cancelled
            If the progress was cancelled; the state was saved.
        """
        # The fastest algorithms of a GPU may sum in another order each time.
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            return self._run()

    def _run(self) -> TrainingResult:
        stopped: Stopped = "epochs"
        message = ""
        try:
            self._begin()
            while self.state.epoch < self.plan.epochs:
                if not self._train_epoch():
                    stopped = "time"
                    break
                self._end_epoch()
            if stopped == "time":
                # An epoch that time cut short counts, if it is better than those before.
                self._take_stock()
                self._report_epoch()
        except Diverged as error:
            stopped, message = "diverged", explained(error, self.plan, self.state)
        except Cancelled:
            # It comes between two steps, unlike Ctrl-C, which leaves what was saved before.
            self._save()
            raise
        self.model.load_state_dict(self.state.best_model)
        rates = [row.patterns_per_s for row in self.state.history if row.split == "train"]
        return TrainingResult(
            history=self.state.history,
            best_epoch=self.state.best_epoch,
            epochs=self.state.epoch,
            stopped_by=stopped,
            seconds=self.state.seconds,
            patterns_per_s=rates[-1] if rates else float("nan"),
            resumed_epochs=self.resumed_epochs,
            message=message,
        )

    def _begin(self) -> None:
        found = read_state(self.scratch, self.question) if self.resume else None
        if found is not None:
            self.state = found
            self.model.load_state_dict(found.model)
            self.learner.optimizer.load_state_dict(found.optimizer)
            self.resumed_epochs = found.epoch
        else:
            self._since = time.perf_counter()
            if len(self.patterns.held_out):
                self._keep_if_best(self._judged(0))
            self._save()
        self._report_epoch()

    def _train_epoch(self) -> bool:
        """Make the remaining steps of an epoch; return whether all were made in time."""
        order = np.random.default_rng([self.plan.seed, _ORDER, self.state.epoch]).permutation(
            self.patterns.train
        )
        size = self.plan.batch_size
        for step in range(self.state.step, self.steps_per_epoch):
            batch = order[step * size : (step + 1) * size]
            self._report(step)
            losses = self.learner.learn(batch, self.state.epoch, step)
            self._pending.append((losses, len(batch)))
            self.state.step = step + 1
            if step % _STEPS_BETWEEN_LOOKS == 0 or self.device.type == "cpu":
                self._check(self._means())
            self._tick()
            if self.state.seconds > self.max_seconds and step + 1 < self.steps_per_epoch:
                return False
            if self._since - self._saved_at > _SECONDS_BETWEEN_SAVES:
                self._save()
        return True

    def _end_epoch(self) -> None:
        self._take_stock()
        self.state.epoch += 1
        self.state.step, self.state.sums = 0, torch.zeros(3, dtype=torch.float64)
        self._save()
        self._report_epoch()

    def _take_stock(self) -> None:
        """Measure the epoch in progress, and keep its weights if none were better."""
        before = self.state.history[-1].seconds if self.state.history else 0.0
        losses = self._means()
        self._tick()
        rate = self._n_seen / max(self.state.seconds - before, 1e-9)
        row = self._row(self.state.epoch + 1, "train", losses, rate)
        self._check(losses)
        self.state.history.append(row)
        if len(self.patterns.held_out):
            row = self._judged(self.state.epoch + 1)
        self._keep_if_best(row)

    @property
    def _n_seen(self) -> int:
        """Patterns of the epoch in progress."""
        return min(self.state.step * self.plan.batch_size, len(self.patterns.train))

    def _judged(self, epoch: int) -> EpochLosses:
        """Measure the loss on the points held out."""
        started = time.perf_counter()
        losses = self.learner.judge(self.patterns.held_out)
        rate = len(self.patterns.held_out) / max(time.perf_counter() - started, 1e-9)
        self._tick()
        row = self._row(epoch, "held-out", losses, rate)
        if epoch > 0:
            self._check(losses)
        self.state.history.append(row)
        return row

    def _row(
        self, epoch: int, split: str, losses: tuple[float, float, float], rate: float
    ) -> EpochLosses:
        return EpochLosses(
            epoch, split, *losses, seconds=self.state.seconds, patterns_per_s=rate,
            learning_rate=self.learner.learning_rate,
        )  # fmt: skip

    def _keep_if_best(self, row: EpochLosses) -> None:
        trained = row.split == "train"
        rank = self._weighed(row.reconstruction, row.kl) if trained else row.total
        if rank < self.state.best_total or self.state.best_epoch < 0:
            self.state.best_epoch, self.state.best_total = row.epoch, rank
            self.state.best_model = {
                name: value.detach().cpu().clone()
                for name, value in self.model.state_dict().items()
            }

    def _weighed(self, reconstruction: float, kl: float) -> float:
        """Return a total with the final KL weight, so that epochs of a warm-up compare."""
        return reconstruction + self.plan.kl_weight * max(kl, self.plan.free_bits)

    def _means(self) -> tuple[float, float, float]:
        """Return the mean losses of the epoch in progress."""
        self._fetch()
        reconstruction, kl, total = (self.state.sums / max(1, self._n_seen)).tolist()
        return reconstruction, kl, total

    def _fetch(self) -> None:
        """Add what lies on the device to the sums, step by step, so that the order is the same."""
        if self._pending:
            losses = torch.stack([losses for losses, _ in self._pending]).cpu().double()
            for found, (_, count) in zip(losses, self._pending, strict=True):
                self.state.sums += found * count
            self._pending.clear()

    def _check(self, losses: tuple[float, float, float]) -> None:
        reconstruction, kl, total = losses
        if math.isnan(self.state.first_total):
            self.state.first_total = self._weighed(reconstruction, kl)
        check_losses(total, self.state.first_total)

    def _save(self) -> None:
        self._fetch()
        self.state.model = {
            name: value.detach().cpu() for name, value in self.model.state_dict().items()
        }
        self.state.optimizer = self.learner.optimizer.state_dict()
        write_state(self.scratch, self.state, self.question)
        self._saved_at = time.perf_counter()

    def _report(self, step: int) -> None:
        n = len(self.patterns.train)
        done = self.state.epoch * n + min(step * self.plan.batch_size, n)
        message = f"epoch {self.state.epoch + 1}/{self.plan.epochs}"
        if self.state.history:
            last = self.state.history[-1]
            name = "held-out" if last.split == "held-out" else "training"
            message += f" · {name} loss {last.total:.4g}"
        self.progress.step(done, self.plan.epochs * n, message)

    def _report_epoch(self) -> None:
        if self.on_epoch is not None:
            self.on_epoch(self)
        # What others do with it is no time of training.
        self._since = time.perf_counter()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.state.seconds += now - self._since
        self._since = now
