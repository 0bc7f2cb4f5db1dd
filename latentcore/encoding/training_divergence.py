"""Notice when a training diverges, and say what to do."""

from __future__ import annotations

import math

from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoding.training_state import TrainingState
from latentcore.errors import RequestError

__all__ = ["Diverged", "check_losses", "explained"]

# A loss that exceeds the first by this much is not coming back.
_EXPLODED = 1e3
_LEAST_FIRST = 1e-6


class Diverged(Exception):  # noqa: N818 - it never leaves the training
    """The loss is no number any more, or far above where it began."""


def check_losses(total: float, first: float) -> None:
    """Compare a total loss with the first.

    Raises
    ------
    Diverged
        If it is not finite, or far above.
    """
    if not math.isfinite(total):
        message = "the loss is no finite number any more"
        raise Diverged(message)
    if total > _EXPLODED * max(first, _LEAST_FIRST):
        message = f"the loss rose to {total:.3g}, {_EXPLODED:g} times what it was at first"
        raise Diverged(message)


def explained(what: Diverged, plan: TrainingPlan, state: TrainingState) -> str:
    """Say what a diverged training means, and which weights are left.

    Raises
    ------
    RequestError
        If none are: it diverged before anything was learned.
    """
    where = f"in epoch {state.epoch + 1}"
    advice = (
        f"The learning rate {plan.learning_rate:g} is too large for this model and these "
        f"patterns: try {plan.learning_rate / 10:g}."
    )
    if state.best_epoch < 1:
        message = f"The training diverged {where}: {what}. Nothing was learned. {advice}"
        raise RequestError(message)
    return (
        f"The training diverged {where}: {what}. The weights of epoch {state.best_epoch}, the "
        f"best until then, were kept. {advice}"
    )
