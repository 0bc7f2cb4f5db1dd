"""Loaded encoders, shared by all sessions and jobs, a bounded number of them.

When one is evicted, its memory on the accelerator is freed at once if nobody uses it, else when
the last job that leased it has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import streamlit as st

from latentcore.encoders import Encoder, checkpoint_path, open_checkpoint
from latentcore.settings import settings
from latentcore.storage import content_fingerprint

Shape = tuple[int, ...]


def model(
    checkpoint: str | Path, device: str = "auto", input_shape: Shape | None = None
) -> Encoder:
    """Return a loaded encoder; the same one to everybody who asks for the same content.

    Parameters
    ----------
    input_shape : tuple of int, optional
        (C, H, W) of prepared samples, for checkpoints that don't record it.
    """
    return _held(checkpoint, device, input_shape).encoder


@contextmanager
def lease(
    checkpoint: str | Path, device: str = "auto", input_shape: Shape | None = None
) -> Iterator[Encoder]:
    """Hold on to an encoder while working with it; errors as `model`."""
    held = _held(checkpoint, device, input_shape)
    with held:
        yield held.encoder


@contextmanager
def job_services() -> Iterator[Mapping[str, Callable[..., Encoder]]]:
    """Lend loaded encoders to one job; they are given back when it ends."""
    with ExitStack() as leases:

        def open_model(
            location: str, *, device: str = "auto", input_shape: Shape | None = None
        ) -> Encoder:
            return leases.enter_context(lease(location, device, input_shape))

        yield {"open_model": open_model}


class _Held:
    """An encoder and the number of those who work with it."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._lock = threading.Lock()
        self._users = 0
        self._evicted = False

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1

    def __exit__(self, *details: object) -> None:
        with self._lock:
            self._users -= 1
            last = self._evicted and self._users == 0
        if last:
            self.encoder.release()

    def evict(self) -> None:
        with self._lock:
            self._evicted = True
            idle = self._users == 0
        if idle:
            self.encoder.release()


def _held(checkpoint: str | Path, device: str, input_shape: Shape | None) -> _Held:
    path = checkpoint_path(str(checkpoint))
    record = path.with_suffix(".json")
    files = [path, record] if record.is_file() else [path]
    shape = None if input_shape is None else tuple(int(side) for side in input_shape)
    return _load(content_fingerprint(*files), device, shape, str(path))


# No spinner: jobs load models outside of any session, where there is nothing to show it in.
@st.cache_resource(
    max_entries=settings().models_in_memory, on_release=_Held.evict, show_spinner=False
)
def _load(fingerprint: str, device: str, input_shape: Shape | None, _path: str) -> _Held:
    del fingerprint  # the cache's key
    models = settings().model_folder
    encoder = open_checkpoint(
        _path,
        device=device,
        input_shape=input_shape,
        # An exported encoder is a program: whoever may upload one must not get it run.
        trusted_roots=() if models is None else (models,),
    )
    return _Held(encoder)
