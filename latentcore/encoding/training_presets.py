"""The presets of a training: settings that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from latentcore.encoding.training_plan import TrainingPlan
from latentcore.preparation import Preparation

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    Attributes
    ----------
    architecture : Mapping
        What else the encoder's network is told.
    """

    encoder: str
    latent_dim: int
    plan: TrainingPlan
    preparation: Preparation
    architecture: Mapping[str, int] = field(default_factory=dict)


_CLEANED = Preparation(background="dynamic", smooth=1.0, scale="z_score")

_STEADY = TrainingPlan(
    epochs=40,
    batch_size=128,
    learning_rate=1e-3,
    schedule="one-cycle",
    kl_weight=1e-3,
    kl_warmup=4.0,
    target="neighbour",
    noise=1.0,
)

PRESETS: Mapping[str, Preset] = {
    "default": Preset(
        encoder="vae-residual",
        latent_dim=32,
        # Few are held out: a mixture at a boundary is recovered best where it was learned from.
        plan=replace(_STEADY, held_out=0.02),
        # The neighbors take the noise away; more smoothing takes fine bands with it.
        preparation=replace(_CLEANED, smooth=0.6),
        architecture={"features": 64, "hidden": 256, "depth": 2},
    ),
    # Below 1 MB for patterns of 60 × 60: the demo's checkpoint.
    "small": Preset(
        encoder="vae-residual",
        latent_dim=16,
        plan=_STEADY,
        preparation=_CLEANED,
        architecture={"features": 24, "hidden": 64, "depth": 1},
    ),
    "cnn": Preset(
        encoder="vae-cnn",
        latent_dim=32,
        plan=TrainingPlan(
            epochs=15,
            batch_size=64,
            learning_rate=1e-3,
            schedule="one-cycle",
            kl_weight=1e-4,
            kl_warmup=2.0,
            target="neighbour",
            noise=0.5,
        ),
        # Its output is a Tanh: it reaches from -1 to 1.
        preparation=Preparation(background="dynamic", smooth=1.0, scale="minus_one_one"),
        architecture={"base": 32, "n_down": 4},
    ),
    # github.com/Angelamer/microstructural_segmentation, branch vae: it trains on all points and
    # keeps the epoch of the lowest training loss.
    "as-published": Preset(
        encoder="vae-cnn",
        latent_dim=512,
        plan=TrainingPlan(
            epochs=20, batch_size=64, learning_rate=1e-3, kl_weight=1.0, held_out=0.0
        ),
        preparation=Preparation(scale="minus_one_one"),
        architecture={"base": 32, "n_down": 5},
    ),
}
