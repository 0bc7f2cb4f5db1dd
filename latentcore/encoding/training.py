"""Train a variational autoencoder: resumable, to the same weights in every run.

On one machine and one device the same seed gives the same weights, whether or not the training
was interrupted: at a kill between two steps, by a cancel, or by a limit of time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.encoders._vae import VaeNetwork
from latentcore.encoding.training_data import Feeder, TrainingPatterns
from latentcore.encoding.training_losses import kl_weight_at, learning_rate_at, loss_terms
from latentcore.encoding.training_plan import TrainingPlan
from latentcore.encoding.training_state import (
    EpochLosses,
    TrainingState,
    read_state,
    write_state,
)
from latentcore.errors import Cancelled, RequestError
from latentcore.progress import Progress

__all__ = ["Targets", "Training", "TrainingResult"]

Stopped = Literal["epochs", "time", "diverged"]

# A loss that exceeds the first by this much is not coming back.
_EXPLODED = 1e3
# Asking an accelerator for a number makes it wait; so not at each step.
_STEPS_BETWEEN_LOOKS = 16
_SECONDS_BETWEEN_SAVES = 60.0
# Where no points are held out, one in so many of those trained on is judged.
_JUDGED_ONE_IN, _FEWEST_JUDGED = 20, 64


@dataclass(frozen=True, eq=False)
class Targets:
    """What is to be reconstructed, as scores of principal components.

    Attributes
    ----------
    scores : ndarray of float32, shape (m, k)
    components : ndarray of float32, shape (k, H·W)
    mean : ndarray of float32, shape (H·W,)
    """

    scores: NDArray[np.float32]
    components: NDArray[np.float32]
    mean: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """How a training ended; the network holds the weights of the best epoch.

    Attributes
    ----------
    history : list of EpochLosses
    best_epoch : int
        0 is the start: nothing that was learned is better on the points held out.
    epochs : int
        That were carried out whole.
    stopped_by : {"epochs", "time", "diverged"}
    seconds : float
        Of training and judging, without interruptions.
    patterns_per_s : float
        Of the training steps of the last whole epoch.
    resumed_epochs : int
        That an interrupted run had done.
    message : str
        What a diverged training means; empty otherwise.
    """

    history: list[EpochLosses]
    best_epoch: int
    epochs: int
    stopped_by: Stopped
    seconds: float
    patterns_per_s: float
    resumed_epochs: int
    message: str = ""


class _Diverged(Exception):  # noqa: N818 - it never leaves this file
    """The loss is no number any more, or far above where it began."""


@dataclass(eq=False)
class Training:
    """One training.

    Parameters
    ----------
    model : VaeNetwork
        On the CPU, with its first weights.
    patterns : TrainingPatterns
    plan : TrainingPlan
    device : torch.device
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
        # Convolutions are 1.4 times faster so, on the CPU too.
        self.model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._inputs = Feeder(self.patterns.values, self.device)
        self._target = self._target_feeder()
        self._optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=self.plan.learning_rate,
            fused=self.device.type in ("cpu", "cuda") or None,
        )
        self._autocast: AbstractContextManager[object] = (
            torch.autocast(self.device.type, torch.bfloat16)
            if self._in_half_precision()
            else nullcontext()
        )
        self._bound = math.inf
        self._since = time.perf_counter()
        self.state = TrainingState()
        self.resumed_epochs = 0

    def _in_half_precision(self) -> bool:
        if self.plan.precision == "auto":
            return self.device.type == "cuda"
        return self.plan.precision == "bfloat16"

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
        self._begin()
        stopped: Stopped = "epochs"
        message = ""
        try:
            while self.state.epoch < self.plan.epochs:
                if not self._train_epoch():
                    stopped = "time"
                    break
                self._end_epoch()
        except _Diverged as error:
            stopped, message = "diverged", self._explained(str(error))
        except Cancelled:
            # It comes between two steps, unlike Ctrl-C, which leaves what was saved before.
            self._save()
            raise
        if stopped == "time":
            self._judge_unfinished()
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

    def decoded(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the network as it is makes of some patterns, shape (b, 1, H, W)."""
        self.model.eval()
        with torch.inference_mode(), self._autocast:
            means, _ = self.model.encode(self._inputs(positions))
            decoded = self.model.decode(means).float().cpu().numpy()
        return np.asarray(decoded, np.float32)

    def target(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is to be reconstructed, shape (b, 1, H, W)."""
        return self._target(positions).cpu().numpy()

    def _begin(self) -> None:
        found = read_state(self.scratch, self.question) if self.resume else None
        if found is not None:
            self.state = found
            self.model.load_state_dict(found.model)
            self._optimizer.load_state_dict(found.optimizer)
            self.resumed_epochs = found.epoch
            first = [row.total for row in found.history if row.epoch == 0]
            self._bound = _EXPLODED * max(first[0], 1e-6) if first else math.inf
        else:
            self._since = time.perf_counter()
            first_losses = self._judge(0)
            self._bound = _EXPLODED * max(first_losses.total, 1e-6)
            self._keep_if_best(first_losses)
            self._save()
        if self.on_epoch is not None:
            self.on_epoch(self)
        self._since = time.perf_counter()
        self._saved_at = self._since

    def _train_epoch(self) -> bool:
        """Make the remaining steps of an epoch; return whether all were made in time."""
        self.model.train()
        order = np.random.default_rng([self.plan.seed, 2, self.state.epoch]).permutation(
            self.patterns.train
        )
        size = self.plan.batch_size
        for step in range(self.state.step, self.steps_per_epoch):
            batch = order[step * size : (step + 1) * size]
            self._tell(step)
            self._step(batch, step)
            self.state.step = step + 1
            if step % _STEPS_BETWEEN_LOOKS == 0 or self.device.type == "cpu":
                self._check(float(self.state.sums[2]), min((step + 1) * size, len(order)))
            self._tick()
            if self.state.seconds > self.max_seconds and step + 1 < self.steps_per_epoch:
                return False
            if self._since - self._saved_at > _SECONDS_BETWEEN_SAVES:
                self._save()
        return True

    def _step(self, batch: NDArray[np.int64], step: int) -> None:
        done = self.state.epoch * self.steps_per_epoch + step
        rate = learning_rate_at(self.plan, done, self.plan.epochs * self.steps_per_epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        inputs, target = self._inputs(batch), self._target(batch)
        if self.plan.noise > 0 and self.targets is not None:
            other = np.random.default_rng([self.plan.seed, 6, self.state.epoch, step]).permutation(
                len(batch)
            )
            inputs = inputs + self.plan.noise * (inputs - target)[torch.from_numpy(other)]
        with self._autocast:
            means, log_variances = self.model.encode(inputs)
            noise = self._noise(means.shape, 3, self.state.epoch, step)
            decoded = self.model.decode(means + noise * (0.5 * log_variances).exp())
        terms = loss_terms(
            decoded,
            target,
            means,
            log_variances,
            kl_weight=kl_weight_at(self.plan, done / self.steps_per_epoch),
            free_bits=self.plan.free_bits,
        )
        self._optimizer.zero_grad(set_to_none=True)
        terms[2].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip)
        self._optimizer.step()
        losses = torch.stack([term.detach() for term in terms]).double()
        self.state.sums = self.state.sums.to(self.device) + losses * len(batch)

    def _noise(self, shape: torch.Size, *place: int) -> torch.Tensor:
        seed = np.random.SeedSequence([self.plan.seed, *place]).generate_state(1, np.uint64)
        generator = torch.Generator(self.device).manual_seed(int(seed[0] >> np.uint64(1)))
        return torch.randn(shape, generator=generator, device=self.device)

    def _end_epoch(self) -> None:
        self._tick()
        seconds_before = self._last_seconds()
        n = len(self.patterns.train)
        reconstruction, kl, total = (self.state.sums / n).tolist()
        self.state.epoch += 1
        row = EpochLosses(
            epoch=self.state.epoch,
            split="train",
            reconstruction=reconstruction,
            kl=kl,
            total=total,
            seconds=self.state.seconds,
            patterns_per_s=n / max(self.state.seconds - seconds_before, 1e-9),
            learning_rate=self._learning_rate,
        )
        self._check(row.total, 1)
        self.state.history.append(row)
        self.state.step, self.state.sums = 0, torch.zeros(3, dtype=torch.float64)
        self._keep_if_best(self._judge(self.state.epoch))
        self._save()
        if self.on_epoch is not None:
            self.on_epoch(self)
        self._since = time.perf_counter()

    def _judge_unfinished(self) -> None:
        """Let an epoch that time cut short count, if it is better than those before."""
        self._keep_if_best(self._judge(self.state.epoch + 1))
        if self.on_epoch is not None:
            self.on_epoch(self)

    def _judge(self, epoch: int) -> EpochLosses:
        """Measure the loss on the points held out (on some others, where none are)."""
        positions = self.patterns.held_out
        if len(positions) == 0:
            some = max(_FEWEST_JUDGED, len(self.patterns.train) // _JUDGED_ONE_IN)
            positions = self.patterns.train[:: max(1, len(self.patterns.train) // some)]
        self.model.eval()
        started, sums = time.perf_counter(), torch.zeros(3, dtype=torch.float64)
        with torch.inference_mode(), self._autocast:
            for number, batch in enumerate(_batches(positions, self.plan.batch_size)):
                means, log_variances = self.model.encode(self._inputs(batch))
                noise = self._noise(means.shape, 4, number)
                decoded = self.model.decode(means + noise * (0.5 * log_variances).exp())
                terms = loss_terms(
                    decoded, self._target(batch), means, log_variances,
                    kl_weight=self.plan.kl_weight, free_bits=self.plan.free_bits,
                )  # fmt: skip
                sums += torch.stack(terms).double().cpu() * len(batch)
        rate = len(positions) / max(time.perf_counter() - started, 1e-9)
        self._tick()
        reconstruction, kl, total = (sums / len(positions)).tolist()
        return EpochLosses(
            epoch=epoch,
            split="held-out",
            reconstruction=reconstruction,
            kl=kl,
            total=total,
            seconds=self.state.seconds,
            patterns_per_s=rate,
            learning_rate=self._learning_rate,
        )

    @property
    def _learning_rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    def _keep_if_best(self, losses: EpochLosses) -> None:
        if losses.epoch > 0:
            self._check(losses.total, 1)
        self.state.history.append(losses)
        if losses.total < self.state.best_total or self.state.best_epoch < 0:
            self.state.best_epoch, self.state.best_total = losses.epoch, losses.total
            self.state.best_model = {
                name: value.detach().cpu().clone()
                for name, value in self.model.state_dict().items()
            }

    def _check(self, total: float, count: int) -> None:
        mean = total / count
        if not math.isfinite(mean):
            message = "the loss is no finite number any more"
            raise _Diverged(message)
        if mean > self._bound:
            message = f"the loss rose to {mean:.3g}, {_EXPLODED:g} times what it was at first"
            raise _Diverged(message)

    def _explained(self, what: str) -> str:
        where = f"in epoch {self.state.epoch + 1}"
        advice = (
            f"The learning rate {self.plan.learning_rate:g} is too large for this model and these "
            f"patterns: try {self.plan.learning_rate / 10:g}."
        )
        if self.state.best_epoch < 1:
            message = f"The training diverged {where}: {what}. Nothing was learned. {advice}"
            raise RequestError(message)
        return (
            f"The training diverged {where}: {what}. The weights of epoch "
            f"{self.state.best_epoch}, the best until then, were kept. {advice}"
        )

    def _save(self) -> None:
        self.state.model = {
            name: value.detach().cpu() for name, value in self.model.state_dict().items()
        }
        self.state.optimizer = self._optimizer.state_dict()
        self.state.sums = self.state.sums.cpu()
        write_state(self.scratch, self.state, self.question)
        self._saved_at = time.perf_counter()

    def _tell(self, step: int) -> None:
        n = len(self.patterns.train)
        done = self.state.epoch * n + min(step * self.plan.batch_size, n)
        last = [row.total for row in self.state.history if row.split == "held-out"]
        self.progress.step(
            done,
            self.plan.epochs * n,
            f"epoch {self.state.epoch + 1}/{self.plan.epochs} · held-out loss {last[-1]:.4g}",
        )

    def _tick(self) -> None:
        now = time.perf_counter()
        self.state.seconds += now - self._since
        self._since = now

    def _last_seconds(self) -> float:
        return self.state.history[-1].seconds if self.state.history else 0.0

    def _target_feeder(self) -> Callable[[NDArray[np.int64]], torch.Tensor]:
        if self.targets is None:
            return self._inputs
        scores = Feeder(self.targets.scores, self.device)
        components = torch.from_numpy(self.targets.components).to(self.device)
        mean = torch.from_numpy(self.targets.mean).to(self.device)
        shape = self.patterns.values.shape[1:]
        return lambda positions: torch.addmm(mean, scores(positions), components).view(-1, *shape)


def _batches(positions: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(positions), size):
        yield positions[start : start + size]
