"""What a training leaves while it works: curves and pictures for a page, a checkpoint for anyone.

``<out>.parent/.<out>.unfinished/scratch/`` (`RunFolder.scratch`) holds, each replaced whole::

    live.json            state, epoch, epochs, best_epoch, patterns_per_s, seconds, eta_s,
                         losses (the rows of loss.csv so far)
    live.npy             float32 (3, k, H, W): fixed patterns, their targets, their reconstructions
    checkpoint/          model.safetensors and model.json of the best epoch so far
    training/start.pt    components and targets, and the number of threads: kept for --resume
    training/state.pt    what --resume goes on from
"""

from __future__ import annotations

import copy
import io
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from latentcore.artifacts import RunFolder, to_json, write_atomic
from latentcore.containers import Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from latentcore.encoding.training import Training
    from latentcore.encoding.training_data import TrainingPatterns
    from latentcore.preparation import Preparer

_SHOWN = 8


class Live:
    """After each epoch: what a page draws, and a checkpoint that can be used."""

    def __init__(self, folder: RunFolder, preparer: Preparer, provenance: Provenance) -> None:
        self._preparer = preparer
        self._provenance = provenance
        self._folder = folder.scratch()
        self._written = -1

    def __call__(self, training: Training) -> None:
        """Write both."""
        state, plan = training.state, training.plan
        rates = [row.patterns_per_s for row in state.history if row.split == "train"]
        per_epoch = state.seconds / state.epoch if state.epoch else None
        live = {
            "state": "training" if state.epoch < plan.epochs else "done",
            "epoch": state.epoch,
            "epochs": plan.epochs,
            "best_epoch": state.best_epoch,
            "patterns_per_s": rates[-1] if rates else None,
            "seconds": state.seconds,
            "eta_s": None if per_epoch is None else per_epoch * (plan.epochs - state.epoch),
            "losses": [asdict(row) for row in state.history],
        }
        write_atomic(self._folder / "live.json", to_json(live).encode())
        shown = fixed_patterns(training.patterns)
        samples = np.asarray(training.patterns.values[shown], np.float32)
        learner = training.learner
        stack = np.stack([samples, learner.target(shown), learner.decoded(shown)])[:, :, 0]
        buffer = io.BytesIO()
        np.save(buffer, stack.astype(np.float32))
        write_atomic(self._folder / "live.npy", buffer.getvalue())
        if state.best_epoch != self._written:
            self._write_checkpoint(training)
            self._written = state.best_epoch

    def _write_checkpoint(self, training: Training) -> None:
        from latentcore.artifacts.model_files import write_model
        from latentcore.encoding.training_models import as_encoder

        network = copy.deepcopy(training.model).cpu()
        network.load_state_dict(training.state.best_model)
        place = self._folder / "checkpoint"
        place.mkdir(exist_ok=True)
        encoder = as_encoder(network, self._preparer, training.device)
        write_model(place / "model.safetensors", encoder, self._provenance)


def fixed_patterns(patterns: TrainingPatterns) -> NDArray[np.int64]:
    """Return positions of some patterns, spread over the scan; held out where there are any."""
    among = patterns.held_out if len(patterns.held_out) >= _SHOWN else patterns.train
    return among[np.linspace(0, len(among) - 1, min(_SHOWN, len(among))).astype(np.int64)]


def cancelled_message(folder: RunFolder) -> str:
    """Say where a cancelled training left what it learned."""
    checkpoint = folder.scratch() / "checkpoint" / "model.safetensors"
    if not checkpoint.is_file():
        return "The training was cancelled before its first epoch; nothing was learned."
    return (
        f"The training was cancelled. The best weights so far are {str(checkpoint)!r}, a "
        "checkpoint like any other; the same command with ⟨resume⟩ goes on from the last one."
    )
