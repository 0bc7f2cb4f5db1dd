"""Which of a request's values are objects on S3, so that all are fetched before the work begins."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from latentcore.progress import Progress
from latentcore.requests.map_specs import file_of
from latentcore.storage import S3Location, remote_of


def remote_inputs(request: object) -> list[S3Location]:
    """Return the objects that a request names, in whatever field.

    A ``MAP`` may name columns, ``s3://bucket/key.csv:COLUMN``.
    """
    values = [
        getattr(request, field.name)
        for field in dataclasses.fields(request)  # type: ignore[arg-type]
        if field.metadata["option"].fetched
    ]
    return [remote_of(file_of(text)) for text in _texts(values) if _is_object(text)]


@contextlib.contextmanager
def fetched(request: object, progress: Progress) -> Iterator[None]:
    """Fetch what a request names on S3, with progress, and keep to these versions meanwhile.

    Raises
    ------
    StorageError
        If one can't be fetched.
    """
    locations = remote_inputs(request)
    if not locations:
        yield
        return
    from latentcore.storage.pins import pinned

    with pinned(locations, progress):
        yield


def _is_object(text: str) -> bool:
    return text.startswith("s3://") and not text.endswith("/")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _texts(entry)
