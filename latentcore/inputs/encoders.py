"""Which encoder made latents, as far as their file tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentcore.artifacts import file_sha256
from latentcore.containers import LatentSet
from latentcore.errors import RequestError


def encoder_of(latents: LatentSet) -> str | None:
    """Return the fingerprint of the encoder that made latents; None where nothing says it.

    A PCA that was fitted on the samples themselves is the model that lies beside the latents.
    """
    made = latents.provenance
    if made is None:
        return None
    for record in made.inputs:
        if record.role == "checkpoint":
            return record.fingerprint
    if latents.ref is None or not str(made.request.get("checkpoint", "")).startswith("pca:"):
        return None
    fitted = Path(latents.ref.location).with_name("model.safetensors")
    return f"sha256:{file_sha256(fitted)}" if fitted.is_file() else None


def refuse_other_encoders(sets: Sequence[LatentSet], names: Sequence[str]) -> list[str]:
    """Refuse latents of which it is known that different encoders made them.

    Parameters
    ----------
    sets : sequence of LatentSet
        The first is what the others have to fit.
    names : sequence of str
        What messages call them.

    Returns
    -------
    list of str
        What one should know where nothing says which encoder it was.

    Raises
    ------
    RequestError
        If the numbers of dimensions differ, or the encoders.
    """
    first, known = sets[0], [encoder_of(one) for one in sets]
    how = (
        "Encode all with one model: extract LOCATION… --checkpoint model.safetensors, or all in "
        "one extract, where a PCA is fitted on all of them together."
    )
    for other, encoder, name in zip(sets[1:], known[1:], names[1:], strict=True):
        if other.shape[1] != first.shape[1]:
            message = (
                f"{name} has {other.shape[1]} dimensions, but {names[0]} has {first.shape[1]}: "
                f"different encoders made them. {how}"
            )
            raise RequestError(message)
        if None not in (encoder, known[0]) and encoder != known[0]:
            message = (
                f"{name} and {names[0]} were made by different encoders, so their dimensions mean "
                f"different things. {how}"
            )
            raise RequestError(message)
    silent = [name for name, encoder in zip(names, known, strict=True) if encoder is None]
    if not silent:
        return []
    note = (
        f"Nothing says which encoder made {', '.join(silent)}: that it is the same one as the "
        "others' is taken on trust."
    )
    return [note]
