"""Where an encoder computes, and how lack of memory shows."""

from __future__ import annotations

import re

import torch

from latentcore.errors import RequestError
from latentcore.settings import settings


def resolve_device(name: str) -> torch.device:
    """Return the device of that name.

    ``"auto"`` is what the setting ``LATENT_DEVICE`` names, else CUDA, else MPS, else the CPU.

    Raises
    ------
    RequestError
        If the name is unknown or this machine has no such device.
    """
    present = _present()
    name = settings().device if name == "auto" else name
    if name == "auto":
        return torch.device(present[0])
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        message = (
            f"There is no device {name!r}. There are: auto, {', '.join(present)}. "
            "Use auto to take the fastest."
        )
        raise RequestError(message)
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in present:
        message = (
            f"The device {name!r} was asked for, but this machine (or its build of torch) only "
            f"has: {', '.join(present)}. Use device auto to take the fastest."
        )
        raise RequestError(message)
    return torch.device(wanted)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # torch's CPU allocator has no error class of its own.
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or "not enough memory" in str(error)
    )


def _present() -> tuple[str, ...]:
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return (*cuda, *mps, "cpu")
