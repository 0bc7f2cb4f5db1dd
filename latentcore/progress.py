"""How a long job says where it stands and learns that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from latentcore.errors import Cancelled


class Progress:
    """Handed to every long job, which calls `step` often.

    Parameters
    ----------
    on_step : callable, optional
        Called as ``on_step(done, total, message)`` at every step. May raise `Cancelled`.

    Examples
    --------
    >>> progress = Progress(lambda done, total, message: print(done, total, message))
    >>> progress.step(1, 3, "reading")
    1 3 reading
    """

    def __init__(self, on_step: Callable[[int, int, str], None] | None = None) -> None:
        self._on_step = on_step
        self._cancel = threading.Event()

    def step(self, done: int, total: int, message: str = "") -> None:
        """Report that `done` of `total` units are done.

        Raises
        ------
        Cancelled
            If `cancel` was called, by whatever thread.
        """
        if self._cancel.is_set():
            message = "The job was cancelled."
            raise Cancelled(message)
        if self._on_step is not None:
            self._on_step(done, total, message)

    def cancel(self) -> None:
        """Ask the job to stop at its next step."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancel.is_set()
