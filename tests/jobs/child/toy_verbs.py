"""Verbs that do on purpose what jobs must survive; registered in the worker too."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentcore.encoders.gpu_lease import WAITING
from latentcore.errors import RequestError
from latentcore.requests.verbs import VERBS, Verb, option


@dataclass(frozen=True)
class ToyRequest:
    location: str = option(positional=True, help="What to work on.")
    steps: int = option(3, help="How many steps.", convert=int)
    pause: float = option(0.0, help="Seconds between two steps.", convert=float)
    trouble: str | None = option(None, help="What goes wrong.")
    keep_above: tuple[str, float] | None = option(
        None, help="A map and a value.", nargs=2, convert=(str, float)
    )
    prepare: tuple[str, ...] | None = option(None, help="KEY=VALUE.", repeat=True)
    dim: tuple[int, ...] | None = option(None, help="Numbers.", nargs="+", convert=int)
    gate: str | None = option(None, help="A file to wait for before the last step.")
    clobber: bool = option(False, help="Replace what is there.", changes_answer=False)


def run(request: ToyRequest, folder: Any, progress: Any) -> dict[str, Any]:
    """Take steps, each noted in the scratch, and get into trouble half-way if asked to."""
    counter = folder.scratch() / "steps"
    first = int(counter.read_text()) if counter.exists() else 0
    progress.step(first, request.steps, "stepping")
    for step in range(first, request.steps):
        _TROUBLES.get(request.trouble or "", lambda: None)()
        time.sleep(request.pause)
        while step + 1 == request.steps and request.gate and not Path(request.gate).exists():
            progress.step(step, request.steps, WAITING)
            time.sleep(0.01)
        _note(counter, step + 1)
        progress.step(step + 1, request.steps, "stepping")
    folder.write_json("steps.json", {"first": first, "pid": os.getpid(), "nice": os.nice(0)})
    return {"steps": request.steps}


def _note(counter: Path, step: int) -> None:
    fresh = counter.with_suffix(".new")  # a killed worker must not leave half a number
    fresh.write_text(str(step))
    fresh.replace(counter)


def _refuse() -> None:
    message = "The number of steps is 3, but must be even. Give --steps 4."
    raise RequestError(message)


def _break() -> None:
    message = "a secret detail"
    raise ZeroDivisionError(message)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _go_deaf() -> None:
    print("not listening", flush=True)
    time.sleep(60)


def _run_out_of_memory() -> None:
    raise MemoryError


_TROUBLES = {
    "refuse": _refuse,
    "break": _break,
    "die": _die,
    "deaf": _go_deaf,
    "memory": _run_out_of_memory,
}


def lent(request: ToyRequest, folder: Any, progress: Any, *, open_model: Any = None) -> Any:
    """Note down what the server lent."""
    folder.write_json("lent.json", {"model": open_model and open_model(request.location)})
    return run(request, folder, progress)


TOYS = (
    Verb("toy", "Steps.", ToyRequest, run),
    Verb("toy-thread", "Steps.", ToyRequest, run, pool="thread"),
    Verb("toy-lent", "Steps with a model.", ToyRequest, lent, pool="thread"),
    Verb("toy-background", "Steps.", ToyRequest, run, pool="background"),
    Verb("toy-quiet", "Writes nothing.", ToyRequest, run, writes=False),
)


def register() -> None:
    """File the toys among the verbs."""
    for toy in TOYS:
        VERBS.register(toy.name)(toy)


def unregister() -> None:
    """Take the toys out again."""
    for toy in TOYS:
        VERBS._parts.pop(toy.name, None)


def hold(name: str, gate: str) -> None:
    """Let a verb begin only when there is a file at `gate`; until then it can be cancelled."""
    verb = VERBS.get(name)

    def held(request: Any, folder: Any, progress: Any, **services: Any) -> Any:
        while not Path(gate).exists():
            progress.step(0, 1, "held")
            time.sleep(0.02)
        return verb.run(request, folder, progress, **services)

    VERBS._parts[name] = dataclasses.replace(verb, run=held)


HERE = Path(__file__).parent
