"""Which encoder made latents, as far as their file tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentcore.containers import LatentSet
from latentcore.errors import RequestError

_MOST_LISTED = 8


@dataclass(frozen=True)
class Made:
    """What is known of how latents were made.

    Attributes
    ----------
    dims : tuple of int
        Which of the encoder's dimensions they hold.
    encoder : str or None
        Its fingerprint; None where nothing says it.
    """

    dims: tuple[int, ...]
    encoder: str | None


def made(latents: LatentSet) -> Made:
    """Return what the record of latents says of their encoder."""
    resolved = None if latents.provenance is None else latents.provenance.request.get("resolved")
    encoder = resolved.get("encoder_fingerprint") if isinstance(resolved, dict) else None
    return Made(tuple(latents.dims.tolist()), encoder if isinstance(encoder, str) else None)


def refuse_other_encoders(sets: Sequence[Made], names: Sequence[str]) -> list[str]:
    """Refuse latents of which it is known that different encoders made them.

    Parameters
    ----------
    sets : sequence of Made
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
        If the dimensions differ, or the encoders.
    """
    first = sets[0]
    how = (
        "Encode all with one model: extract LOCATION… --checkpoint model.safetensors, or all in "
        "one extract, where a PCA is fitted on all of them together."
    )
    for other, name in zip(sets[1:], names[1:], strict=True):
        if other.dims != first.dims:
            message = (
                f"{name} has the latent dimensions {listed_dims(other.dims)}, but {names[0]} has "
                f"{listed_dims(first.dims)}: different encoders made them. {how}"
            )
            raise RequestError(message)
        if None not in (other.encoder, first.encoder) and other.encoder != first.encoder:
            message = (
                f"{name} and {names[0]} were made by different encoders, so their dimensions mean "
                f"different things. {how}"
            )
            raise RequestError(message)
    silent = [name for name, one in zip(names, sets, strict=True) if one.encoder is None]
    if not silent:
        return []
    note = (
        f"Nothing says which encoder made {', '.join(silent)}: that it is the same one as the "
        "others' is taken on trust."
    )
    return [note]


def listed_dims(dims: Sequence[int]) -> str:
    """Return dimensions in a few words.

    >>> listed_dims([0, 1, 2]), listed_dims([3, 7])
    ('0 to 2', '3, 7')
    """
    if len(dims) > 1 and list(dims) == list(range(dims[0], dims[0] + len(dims))):
        return f"{dims[0]} to {dims[-1]}"
    return ", ".join(map(str, dims[:_MOST_LISTED])) + ", …" * (len(dims) > _MOST_LISTED)
