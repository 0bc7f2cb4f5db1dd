"""What a verb is: a request, a function, and one line of help.

The request is a frozen dataclass. Its fields become the command line's options, the page's
widgets and the lines of ``run.json``; nobody keeps a second list of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from latentcore.registry import Registry

Summary = dict[str, Any]
Pool = Literal["thread", "process", "embedding", "background"]
Kind = Literal[
    "value", "samples", "latents", "map", "threshold", "table", "checkpoint", "file", "state"
]

# What the help calls a value of each kind.
_METAVARS: Mapping[Kind, str | tuple[str, ...]] = {
    "samples": "LOCATION",
    "latents": "LATENTS",
    "map": "MAP",
    "threshold": ("MAP", "VALUE"),
    "table": "CSV",
    "checkpoint": "FILE",
    "file": "FILE",
    "state": "JSON",
}


@dataclass(frozen=True)
class Option:
    """How a request's field is asked for, on the command line and on a page.

    Attributes
    ----------
    help : str
        One sentence, for people only: nothing depends on it, nor on `metavar`.
    kind : str
        ``"value"`` of the field's type, or what the named file holds: ``"samples"``,
        ``"latents"``, a ``"map"`` (perhaps with a column), a ``"threshold"`` (a map,
        and the numbers or the name that decide), a ``"table"``, a ``"checkpoint"``, or any
        other ``"file"``. ``"state"`` is JSON that programs write for themselves.
    positional : bool
        Whether it stands without a flag.
    nargs : int, ``"+"``, ``"*"`` or None
        How many values it takes, as in argparse.
    repeat : bool
        Whether the flag may be given several times; the values are collected.
    choices : callable or sequence or None
        The allowed values; a callable is called when they are needed.
    family : Registry or None
        The value is the name of a part of this family, which checks it.
    methods : tuple of str
        It is a parameter of these parts of a family, and of no other.
    metavar : str or tuple of str or None
        What the value is called in the help text, where its kind doesn't say it.
    convert : callable or sequence of callables
        Makes the value (or, with a sequence, each of `nargs` values) from its text.
    unless : str
        It may be left out only where a value is given for the field of this name.
    wrapped : bool
        Whether the command line holds it in another form: the options of a batch's verb.
    fetched : bool
        Whether objects on S3 that it names are fetched before the verb begins.
    changes_answer : bool
        Whether another value asks another question, be it that only the last digit of the answer
        differs (a device) or what is noted beside it. False for what only says how to get there.
    changes_work : bool
        Whether another value needs other work. False for what says when to stop or how to judge
        the outcome: work in progress then serves both values, though their answers differ.
    """

    help: str
    kind: Kind = "value"
    positional: bool = False
    nargs: int | Literal["+", "*"] | None = None
    repeat: bool = False
    choices: Callable[[], Sequence[str]] | Sequence[str] | None = None
    family: Registry[Any] | None = None
    methods: tuple[str, ...] = ()
    metavar: str | tuple[str, ...] | None = None
    convert: Callable[[str], object] | Sequence[Callable[[str], object]] = str
    unless: str = ""
    wrapped: bool = False
    fetched: bool = True
    changes_answer: bool = True
    changes_work: bool = True

    @property
    def offered(self) -> tuple[str, ...]:
        """The values to choose from; empty where any may be given."""
        if self.family is not None:
            return self.family.names()
        return tuple(self.choices() if callable(self.choices) else self.choices or ())

    @property
    def names_file(self) -> bool:
        """Whether the value names a file, perhaps beside a number."""
        return self.kind not in ("value", "state")

    @property
    def may_name_column(self) -> bool:
        """Whether ``:COLUMN`` may follow the file's name."""
        return self.kind in ("map", "threshold")

    @property
    def shown_as(self) -> str | tuple[str, ...] | None:
        """What the help text calls the value; None where the field's name says it."""
        if self.metavar is None and self.family is not None:
            return "|".join(self.offered)
        return self.metavar or _METAVARS.get(self.kind)


def option(default: object = dataclasses.MISSING, **details: Any) -> Any:
    """Declare a request's field; `details` are the fields of `Option`."""
    metadata = {"option": Option(**details)}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def option_of(field: dataclasses.Field[Any]) -> Option:
    """Return the `Option` of a request's field."""
    found = field.metadata["option"]
    assert isinstance(found, Option)
    return found


def words_of(name: str) -> str:
    """Return the words of a field's name; one that ends in ``_`` is a word of Python's own."""
    return name.rstrip("_").replace("_", " ")


@dataclass(frozen=True)
class Verb:
    """One task of the program.

    Attributes
    ----------
    summary : str
        One sentence, for ``--help`` and the pages.
    request : type
        A frozen dataclass whose fields were declared with `option`.
    run : callable
        ``run(request, folder, progress, **services) → summary``; a verb that writes nothing
        gets None as its folder. The summary is JSON-like.
    writes : bool
        Whether it leaves a run folder.
    pool : str
        Which of the server's workers run it: ``"thread"`` shares the loaded model, ``"process"``
        keeps a numba- or Python-heavy verb from stalling the server, ``"embedding"`` and
        ``"background"`` are processes for work of minutes and of hours, so that nobody else waits
        behind it.
    """

    name: str
    summary: str
    request: type
    run: Callable[..., Summary]
    writes: bool = True
    pool: Pool = "process"


VERBS: Registry[Verb] = Registry("verb", "latentcore.workflows")


def verb(
    name: str,
    summary: str,
    request: type,
    *,
    writes: bool = True,
    pool: Pool = "process",
) -> Callable[[Callable[..., Summary]], Callable[..., Summary]]:
    """Return a decorator that registers a function as a verb."""

    def file_under_name(run: Callable[..., Summary]) -> Callable[..., Summary]:
        VERBS.register(name)(Verb(name, summary, request, run, writes, pool))
        return run

    return file_under_name


def as_plain(request: object) -> Mapping[str, object]:
    """Return a request as a JSON-like dictionary."""
    return dataclasses.asdict(request)  # type: ignore[call-overload,no-any-return]
