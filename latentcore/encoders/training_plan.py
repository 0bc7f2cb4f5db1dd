"""How a model is trained: every number of it, checked, and the presets of settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from latentcore.errors import RequestError
from latentcore.preparation import Preparation

SCHEDULES = ("constant", "one-cycle")
TARGETS = ("self", "neighbour")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainingPlan:
    """The settings of one training.

    Attributes
    ----------
    learning_rate : float
        The largest that the schedule reaches.
    schedule : str
        ``"constant"``, or ``"one-cycle"``: up during a tenth of the steps, down to nothing.
    kl_weight : float
        Of the mean Kullback–Leibler divergence per latent dimension, beside the mean squared
        error per pixel.
    kl_warmup : float
        Epochs over which that weight rises from 0.
    free_bits : float
        Nats per dimension that cost nothing.
    target : str
        What is to be reconstructed: the pattern itself, or what its neighbors on the scan show
        of it (see `latentcore.encoding.training_targets`).
    noise : float
        How much of another pattern's residual (pattern minus target) is added to each input:
        real noise of the detector, other in every epoch. Nothing without neighbor targets.
    held_out : float
        Share of the points that are not trained on; they choose the best epoch. With 0, all are
        trained on, and the best epoch is that of the lowest training loss.
    clip : float
        Largest norm of the gradient.
    precision : str
        In which networks compute; weights and losses are float32 always. ``"auto"`` is
        ``"bfloat16"`` on CUDA and ``"float32"`` elsewhere.

    Raises
    ------
    RequestError
        If a value makes no sense.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str = "constant"
    kl_weight: float = 1e-3
    kl_warmup: float = 0.0
    free_bits: float = 0.0
    target: str = "self"
    noise: float = 0.0
    held_out: float = 0.05
    clip: float = 1.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 1_000_000),
            ("batch_size", 1, 1_000_000),
            ("kl_weight", 0.0, 1e6),
            ("kl_warmup", 0.0, 1e6),
            ("free_bits", 0.0, 1e3),
            ("noise", 0.0, 10.0),
            ("held_out", 0.0, 0.5),
            ("seed", 0, 2**31),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                message = f"⟨{name}⟩ {value:g} makes no sense: give from {low:g} to {high:g}."
                raise RequestError(message)
        if not 0 < self.learning_rate <= 10:
            message = (
                f"⟨learning_rate⟩ {self.learning_rate:g} makes no sense: give more than 0 and at "
                "most 10; 0.001 suits most models."
            )
            raise RequestError(message)
        for name, choices in (
            ("schedule", SCHEDULES),
            ("target", TARGETS),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in choices:
                message = f"There is no {name} {getattr(self, name)!r}; {', '.join(choices)} are."
                raise RequestError(message)


@dataclass(frozen=True)
class Preset:
    """Settings of a training that belong together.

    Attributes
    ----------
    encoder : str
        Name of the family.
    architecture : Mapping
        What else its network is built with.
    title, note : str
        What a page calls it and says of it.
    place : int
        Where it stands among all presets; the first is the default.
    """

    encoder: str
    latent_dim: int
    plan: TrainingPlan
    preparation: Preparation
    architecture: Mapping[str, int] = field(default_factory=dict)
    title: str = ""
    note: str = ""
    place: int = 100
