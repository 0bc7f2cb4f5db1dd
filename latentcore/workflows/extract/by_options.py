"""What the options of a nenya training find by themselves: the model, and the images.

The rules are nenya's own (``nenya/latents_extraction.py`` and ``nenya/train_util.py`` in
github.com/AI-for-Ocean-Science/nenya): the weights are ``last.pth`` in
``models/<model_root>/<model_name>`` below the output folder, on this machine or on S3, or have
been fetched into the working folder; the images are ``images_file`` in ``data_folder``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentcore.encoders.nenya_options import NenyaOptions
from latentcore.errors import RequestError
from latentcore.inputs.samples import ChosenSamples
from latentcore.storage import is_remote
from latentcore.workflows.extract.request import ExtractRequest

_WEIGHTS = "last.pth"
_BATCHES, _USUAL_BATCH = 2, 64


def completed(request: ExtractRequest, options: NenyaOptions | None) -> ExtractRequest:
    """Return a request with the checkpoint and the images that its options find.

    Raises
    ------
    RequestError
        If something is missing, and there are no options, or they don't find it.
    """
    if request.checkpoint and request.location:
        return request
    if options is None or request.options is None:
        missing = "⟨checkpoint⟩" if request.location else "⟨location⟩"
        message = (
            f"{missing} is missing. Give the samples and the ⟨checkpoint⟩, or the ⟨options⟩ of a "
            "nenya training, which find both."
        )
        raise RequestError(message)
    beside = Path(request.options).parent
    if not request.checkpoint:
        places = [*_weights(options, beside)]
        request = replace(request, checkpoint=_first(places, "the weights", "⟨checkpoint⟩"))
    if not request.location:
        places = [*_images(options, beside)]
        request = replace(request, location=(_first(places, "the images", "⟨location⟩"),))
    return request


def first_batches(
    chosen: ChosenSamples, request: ExtractRequest, options: NenyaOptions | None
) -> ChosenSamples:
    """Return the same choice, of which only the first two batches of each partition are kept."""
    size = request.batch_size or _batch_size(options)
    partition = chosen.source.partition
    numbers = (
        np.zeros(len(chosen.keep), np.int64) if partition is None
        else np.unique(partition, return_inverse=True)[1]
    )  # fmt: skip
    keep = np.zeros_like(chosen.keep)
    for number in np.unique(numbers):
        rows = np.flatnonzero(chosen.keep & (numbers == number))
        keep[rows[: _BATCHES * size]] = True
    return replace(chosen, keep=keep)


def _batch_size(options: NenyaOptions | None) -> int:
    size = None if options is None else options.values.get("batch_size_valid")
    return size if isinstance(size, int) and size > 0 else _USUAL_BATCH


def _weights(options: NenyaOptions, beside: Path) -> Iterator[str]:
    folder = _text(options, "model_folder")
    roots = [root for name in ("local_outdir", "s3_outdir") if (root := _text(options, name))]
    local = [root for root in roots if not is_remote(root)]
    if folder:
        for root in (*local, "."):
            yield from _at(f"{root}/{folder}/{_WEIGHTS}", beside)
    yield from _at(_WEIGHTS, beside)
    if folder:
        yield from (f"{root}/{folder}/{_WEIGHTS}" for root in roots if is_remote(root))


def _images(options: NenyaOptions, beside: Path) -> Iterator[str]:
    name, folder = _text(options, "images_file"), _text(options, "data_folder")
    if not name:
        return
    if is_remote(name):
        yield from _at(Path(name).name, beside)  # fetched before
        yield name
        return
    if folder and not is_remote(folder):
        yield from _at(f"{folder}/{name}", beside)
    yield from _at(name, beside)
    yield from _at(Path(name).name, beside)
    if folder and is_remote(folder):
        yield f"{folder.rstrip('/')}/{name}"
    if bucket := _text(options, "s3_bucket"):
        yield f"{bucket.rstrip('/') if is_remote(bucket) else f's3://{bucket}'}/{name}"


def _at(path: str, beside: Path) -> Iterator[str]:
    """Yield a path as it is, seen from the working folder, and from where the options lie."""
    yield path
    if not Path(path).is_absolute():
        yield str(beside / path)


def _first(places: list[str], what: str, option: str) -> str:
    """Return the first place that is there; one on S3 is taken for granted."""
    for place in places:
        if is_remote(place) or Path(place).exists():
            return place
    looked = ", ".join(dict.fromkeys(repr(place.removeprefix("./")) for place in places))
    found = (
        f"The options don't find {what}: nothing is at {looked}."
        if places
        else f"The options don't say where {what} are."
    )
    message = f"{found} Name them: {option}."
    raise RequestError(message)


def _text(options: NenyaOptions, name: str) -> str:
    value = options.values.get(name)
    return value.rstrip("/") if isinstance(value, str) else ""
