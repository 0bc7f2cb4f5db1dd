"""``train``: samples → a variational autoencoder, and what it is worth.

What it leaves while it works is described in `latentcore.workflows.train.live`.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import Any

from latentcore.artifacts import RunFolder, read_run
from latentcore.errors import Cancelled
from latentcore.inputs.kept import Kept
from latentcore.inputs.samples import Choice, choose_samples
from latentcore.progress import Progress
from latentcore.requests.question import changes
from latentcore.requests.verbs import verb
from latentcore.workflows.train.job import TrainingJob
from latentcore.workflows.train.live import cancelled_message
from latentcore.workflows.train.request import TrainRequest, settled

__all__ = ["TrainRequest", "train"]


@verb("train", "Train a variational autoencoder on samples.", TrainRequest, pool="process")
def train(request: TrainRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Train a model and judge what its latents are worth.

    Parameters
    ----------
    folder : RunFolder
        Gets ``model.safetensors``, ``model.json``, ``loss.csv``, ``loss_curve.png``,
        ``config.json``, ``reconstructions.png`` and ``worth.json``.
    progress : Progress
        Steps are patterns of all epochs together.

    Returns
    -------
    dict
        ``encoder, latent_dim, device, preparation, n_train, n_held_out, n_left_out,
        n_not_finite, n_constant, target, epochs, best_epoch, stopped_by, seconds,
        patterns_per_s, resumed_epochs``, the best epoch's ``reconstruction, kl, total``, ``worth``
        and in ``warnings`` what the user should know.

    Notes
    -----
    The preset ``as-published`` trains as the seed did: all points are learned from, and the epoch
    of the lowest training loss is kept. With ``held_out`` above 0 the points held out choose.
    """
    preset = settled(request)
    with ExitStack() as opened:
        choice = Choice(request.partition, None, Kept.asked(request))
        chosen = choose_samples(request.location, choice, folder, opened, reader=request.reader)
        finished = _finished_before(request, folder) if request.resume else None
        if finished is not None:
            return finished
        if not request.resume:
            shutil.rmtree(folder.scratch(), ignore_errors=True)
        try:
            chosen = chosen.denoised(preset.preparation, progress)
            return TrainingJob(request, preset, chosen, folder, progress).run()
        except (Cancelled, KeyboardInterrupt) as error:
            raise Cancelled(cancelled_message(folder)) from error


def _finished_before(request: TrainRequest, folder: RunFolder) -> dict[str, Any] | None:
    record = read_run(folder.out)
    if record is None or record.get("verb") != folder.verb:
        return None
    if changes("train", request, folder.inputs, record, ignored_roles=("map",)):
        return None
    folder.keep_finished(record)
    return {**record["summary"], "skipped": True}
