"""The loss of a variational autoencoder, and how it changes while it is trained.

D. P. Kingma and M. Welling, *Auto-encoding variational Bayes*, ICLR 2014; free bits as in
D. P. Kingma et al., *Improved variational inference with inverse autoregressive flow*, NIPS 2016;
one-cycle as in L. N. Smith and N. Topin, *Super-convergence*, 2017 (arXiv 1708.07120).
"""

from __future__ import annotations

import math

import torch

from latentcore.encoders.training_plan import TrainingPlan

__all__ = ["kl_per_dimension", "kl_weight_at", "learning_rate_at", "loss_terms"]

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
