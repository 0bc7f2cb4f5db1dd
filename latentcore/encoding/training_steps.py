"""One step of learning, and one look at how well it goes: everything that computes on the device.

Nothing here waits for an accelerator: losses stay there until somebody asks for them. The loss is
that of a variational autoencoder:

D. P. Kingma and M. Welling, *Auto-encoding variational Bayes*, ICLR 2014; free bits as in
D. P. Kingma et al., *Improved variational inference with inverse autoregressive flow*, NIPS 2016;
one-cycle as in L. N. Smith and N. Topin, *Super-convergence*, 2017 (arXiv 1708.07120).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoders.vae import VaeNetwork
from latentcore.encoding.training_data import Feeder, TrainingPatterns, to_device

Positions = NDArray[np.int64]

# What the random numbers of a training are drawn for; beside seed, epoch and step.
_FOR_STEPS, _FOR_JUDGING, _FOR_NOISE = 3, 4, 6


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


class Learner:
    """A network that learns, its optimizer, and the patterns on its device.

    Parameters
    ----------
    targets : Targets, optional
        The patterns themselves where not given.
    """

    def __init__(
        self,
        model: VaeNetwork,
        patterns: TrainingPatterns,
        plan: TrainingPlan,
        device: torch.device,
        targets: Targets | None,
        steps_per_epoch: int,
    ) -> None:
        self._model = model
        self._plan = plan
        self._device = device
        self._steps_per_epoch = steps_per_epoch
        # Convolutions are faster so, on the CPU too.
        model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._inputs = Feeder(patterns.values, device)
        shape = patterns.values.shape[1:]
        self._target = self._inputs if targets is None else _target_feeder(targets, shape, device)
        self._with_noise = plan.noise > 0 and targets is not None
        self.optimizer = torch.optim.Adam(
            model.parameters(),
            lr=plan.learning_rate,
            fused=device.type in ("cpu", "cuda") or None,
        )
        self._generator = torch.Generator(device)
        # bfloat16 has the range of float32: no loss needs to be scaled.
        self._autocast: AbstractContextManager[object] = (
            torch.autocast(device.type, torch.bfloat16)
            if _in_half_precision(plan.precision, device)
            else nullcontext()
        )

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def learn(self, batch: Positions, epoch: int, step: int) -> torch.Tensor:
        """Make one step.

        Parameters
        ----------
        batch : ndarray of int64, shape (b,)
            Positions of patterns.
        epoch, step : int
            Counted from 0; everything random is drawn for them.

        Returns
        -------
        tensor of float32, shape (3,)
            Reconstruction, KL and total, on the device.
        """
        plan, done = self._plan, epoch * self._steps_per_epoch + step
        rate = learning_rate_at(plan, done, plan.epochs * self._steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._model.train()
        inputs, target = self._inputs(batch), self._target(batch)
        if self._with_noise:
            random = np.random.default_rng([plan.seed, _FOR_NOISE, epoch, step])
            other = to_device(random.permutation(len(batch)), self._device)
            inputs = inputs + plan.noise * (inputs - target)[other]
        losses = self._losses(
            inputs, target, kl_weight_at(plan, done / self._steps_per_epoch),
            (_FOR_STEPS, epoch, step),
        )  # fmt: skip
        self.optimizer.zero_grad(set_to_none=True)
        losses[2].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), plan.clip)
        self.optimizer.step()
        return losses.detach()

    def judge(self, positions: Positions) -> tuple[float, float, float]:
        """Measure reconstruction, KL and total over some patterns, with the final KL weight."""
        self._model.eval()
        losses, counts = [], []
        with torch.inference_mode():
            for number, batch in enumerate(_batches(positions, self._plan.batch_size)):
                inputs, target = self._inputs(batch), self._target(batch)
                place = (_FOR_JUDGING, number)
                losses.append(self._losses(inputs, target, self._plan.kl_weight, place))
                counts.append(len(batch))
            found = torch.stack(losses).cpu().double()
        reconstruction, kl, total = np.average(found.numpy(), axis=0, weights=counts).tolist()
        return reconstruction, kl, total

    def decoded(self, positions: Positions) -> NDArray[np.float32]:
        """Return what the network as it is makes of some patterns, shape (b, 1, H, W)."""
        self._model.eval()
        with torch.inference_mode(), self._autocast:
            means, _ = self._model.encode(self._inputs(positions))
            decoded = self._model.decode(means).float().cpu().numpy()
        return np.asarray(decoded, np.float32)

    def target(self, positions: Positions) -> NDArray[np.float32]:
        """Return what is to be reconstructed, shape (b, 1, H, W)."""
        return self._target(positions).cpu().numpy()

    def _losses(
        self, inputs: torch.Tensor, target: torch.Tensor, kl_weight: float, place: tuple[int, ...]
    ) -> torch.Tensor:
        with self._autocast:
            means, log_variances = self._model.encode(inputs)
            noise = self._noise(means.shape, place)
            decoded = self._model.decode(means + noise * (0.5 * log_variances).exp())
        return torch.stack(
            loss_terms(
                decoded, target, means, log_variances,
                kl_weight=kl_weight, free_bits=self._plan.free_bits,
            )
        )  # fmt: skip

    def _noise(self, shape: torch.Size, place: tuple[int, ...]) -> torch.Tensor:
        seed = np.random.SeedSequence([self._plan.seed, *place]).generate_state(1, np.uint64)
        self._generator.manual_seed(int(seed[0] >> np.uint64(1)))
        return torch.randn(shape, generator=self._generator, device=self._device)


def _in_half_precision(precision: str, device: torch.device) -> bool:
    if precision == "auto":
        # Older GPUs only emulate it, slower than float32.
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bfloat16"


def _target_feeder(
    targets: Targets, shape: tuple[int, ...], device: torch.device
) -> Callable[[Positions], torch.Tensor]:
    scores = Feeder(targets.scores, device)
    # torch.tensor copies into memory aligned as torch likes it, always the same.
    components = torch.tensor(targets.components, device=device)
    mean = torch.tensor(targets.mean, device=device)
    return lambda positions: torch.addmm(mean, scores(positions), components).view(-1, *shape)


def _batches(positions: Positions, size: int) -> Iterator[Positions]:
    for start in range(0, len(positions), size):
        yield positions[start : start + size]


_RISE = 0.1
_FIRST_SHARE = 0.04


def kl_per_dimension(means: torch.Tensor, log_variances: torch.Tensor) -> torch.Tensor:
    """Return the mean divergence of N(mean, variance) from N(0, 1): (b, d) twice → (d,), nats."""
    divergence = 0.5 * (means.square() + log_variances.exp() - 1 - log_variances)
    return divergence.mean(dim=0)


def loss_terms(
    decoded: torch.Tensor,
    target: torch.Tensor,
    means: torch.Tensor,
    log_variances: torch.Tensor,
    *,
    kl_weight: float,
    free_bits: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (reconstruction, KL, total), three numbers.

    Parameters
    ----------
    decoded, target : Tensor, shape (b, 1, H, W)
    means, log_variances : Tensor, shape (b, d)
    free_bits : float
        Each dimension's divergence counts as at least this.

    Notes
    -----
    The reconstruction is the mean squared error per pixel, the KL the mean divergence per
    dimension: with ``reduction="mean"`` for both, as the seed has it.
    """
    reconstruction = (decoded.float() - target).square().mean()
    each = kl_per_dimension(means.float(), log_variances.float())
    counted = each.clamp(min=free_bits) if free_bits > 0 else each
    return reconstruction, each.mean(), reconstruction + kl_weight * counted.mean()


def kl_weight_at(plan: TrainingPlan, epoch: float) -> float:
    """Return the KL's weight after so many epochs: it rises in proportion, then stays."""
    if plan.kl_warmup <= 0:
        return plan.kl_weight
    return plan.kl_weight * min(1.0, epoch / plan.kl_warmup)


def learning_rate_at(plan: TrainingPlan, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, of so many in all."""
    if plan.schedule == "constant":
        return plan.learning_rate
    share = (step + 1) / max(1, steps)
    if share < _RISE:
        swing = 0.5 - 0.5 * math.cos(math.pi * share / _RISE)
        return plan.learning_rate * (_FIRST_SHARE + (1 - _FIRST_SHARE) * swing)
    return plan.learning_rate * (0.5 + 0.5 * math.cos(math.pi * (share - _RISE) / (1 - _RISE)))
