"""The parser of all verbs, built from their requests, and the way back to a request."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from latentcore.cli._batch import BATCH, INNER, inner_fields, own_fields, wrapped
from latentcore.errors import naming
from latentcore.requests.verbs import Option, option_of, words_of
from latentcore.workflows import VERBS, Verb
from latentcore.workflows.batch.inputs import batchable

_EXIT_STATUS = (
    "Exit status: 0 done; 2 bad usage or bad input; 130 cancelled by Ctrl-C. "
    "batch: 1 when some inputs failed, 2 when all did."
)

_NEGATIVE_NUMBER = re.compile(r"^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


def build_parser(arguments: Collection[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser of all verbs.

    Parameters
    ----------
    arguments : collection of str, optional
        What will be parsed: other verbs than those in it get no options, as the choices of some
        are found only by importing torch.
    """
    parser = argparse.ArgumentParser(
        prog="python -m latentcore",
        description="Latent Explorer's tasks as commands.",
        epilog=_EXIT_STATUS,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        own = verbs.add_parser(
            name, help=verb.summary, description=verb.summary, epilog=_EXIT_STATUS
        )
        if arguments is not None and name not in arguments:
            continue
        if name == BATCH:
            _add_batch(own, verb, arguments)
        else:
            _add_fields(own, dataclasses.fields(verb.request))
            _add_common(own, verb)
    return parser


def request_in(parsed: argparse.Namespace) -> Any:
    """Return the request that a command line holds.

    Raises
    ------
    InputError
        If the values contradict each other.
    """
    kind = VERBS.get(parsed.verb).request
    if parsed.verb == BATCH:
        return kind(**_values(parsed, own_fields(kind)), **wrapped(parsed))
    return kind(**_values(parsed, dataclasses.fields(kind)))


def _add_batch(
    parser: argparse.ArgumentParser, verb: Verb, arguments: Collection[str] | None
) -> None:
    """Give the batch a parser per verb, so that it takes the verb's own options."""
    inner = parser.add_subparsers(dest=INNER, required=True, metavar="VERB")
    for name in batchable():
        one = VERBS.get(name)
        own = inner.add_parser(
            name,
            help=one.summary,
            description=f"{one.summary} ({BATCH})",
            epilog=_EXIT_STATUS,
        )
        if arguments is not None and name not in arguments:
            continue
        _add_fields(own, own_fields(verb.request))
        _add_fields(own, inner_fields(name))
        _add_common(own, verb)


def _add_fields(parser: argparse.ArgumentParser, fields: Sequence[dataclasses.Field[Any]]) -> None:
    # argparse of Python 3.11 takes -2e-4 for an option, and latents are as small as that.
    parser._negative_number_matcher = _NEGATIVE_NUMBER
    for field in fields:
        _add_option(parser, field)


def _add_common(parser: argparse.ArgumentParser, verb: Verb) -> None:
    if verb.writes:
        parser.add_argument(
            "--out", required=True, metavar="DIR", help="the run folder, filled when all is done"
        )
    if "--seed" not in parser._option_string_actions:
        parser.add_argument(
            "--seed", type=int, metavar="N", help="without effect: nothing is drawn at random here"
        )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_option(parser: argparse.ArgumentParser, field: dataclasses.Field[Any]) -> None:
    details = option_of(field)
    settings: dict[str, Any] = {"help": naming(details.help, flag).replace("%", "%%")}
    if isinstance(field.default, bool):
        parser.add_argument(*_flags(field.name), dest=field.name, action="store_true", **settings)
        return
    if callable(details.convert):
        settings["type"] = details.convert
    if details.nargs is not None:
        settings["nargs"] = details.nargs
    if details.offered and details.family is None:
        settings["choices"] = details.offered
    if details.shown_as is not None:
        settings["metavar"] = details.shown_as
    settings |= _action(details)
    if details.positional:
        _add_positional(parser, field, settings)
        return
    required = field.default is dataclasses.MISSING
    default = None if required else field.default
    if details.repeat and isinstance(default, tuple):
        default = list(default)  # argparse appends to a copy of it
    parser.add_argument(
        *_flags(field.name), dest=field.name, required=required, default=default, **settings
    )


def _action(details: Option) -> dict[str, Any]:
    """Return what is done with an option's words."""
    if not callable(details.convert):
        convert = tuple(details.convert)
        return {"action": _ConvertEach, "convert": convert, "collects": details.repeat}
    if details.repeat:
        # An option that takes several words and is repeated collects them all in one list.
        return {"action": "append" if details.nargs is None else "extend"}
    return {"action": _Gather} if details.nargs == "+" and not details.positional else {}


def _add_positional(
    parser: argparse.ArgumentParser, field: dataclasses.Field[Any], settings: dict[str, Any]
) -> None:
    if field.default is not dataclasses.MISSING:
        settings = {"nargs": "?", "default": field.default, **settings}
    parser.add_argument(field.name, **settings)


class _Gather(argparse.Action):
    """Takes several values, and those of a second time with them: ``--dim 0 1 --dim 2``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del parser, option_string
        given = getattr(namespace, self.dest)
        before = () if given is self.default else given
        setattr(namespace, self.dest, [*before, *values])


class _ConvertEach(argparse.Action):
    """Converts each word of an option with a function of its own: ``--keep-above MAP VALUE``.

    Where the option may be repeated, all its words are collected, one after the other.
    """

    def __init__(
        self, *args: Any, convert: tuple[Any, ...], collects: bool, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self._convert = convert
        self._collects = collects

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del option_string
        try:
            converted = tuple(
                convert(word) for convert, word in zip(self._convert, values, strict=True)
            )
        except ValueError as error:
            parser.error(f"argument {'/'.join(self.option_strings)}: {error}")
        before = (getattr(namespace, self.dest) or ()) if self._collects else ()
        setattr(namespace, self.dest, (*before, *converted))


def names_in(verb: str) -> Callable[[str], str]:
    """Return how a verb's parameters are written: ``--batch-size``, but ``LOCATION``."""
    fields = dataclasses.fields(VERBS.get(verb).request)
    positional = {field.name for field in fields if option_of(field).positional}
    return lambda name: name.upper() if name in positional else flag(name)


def flag(name: str) -> str:
    """Return how a parameter is written on the command line: ``--batch-size``, ``--from``."""
    return "--" + words_of(name).replace(" ", "-")


def _flags(name: str) -> tuple[str, ...]:
    """Return all ways to write a parameter; one of a single letter has two, ``-k`` and ``--k``."""
    return (f"-{name}", flag(name)) if len(name) == 1 else (flag(name),)


def _values(parsed: argparse.Namespace, fields: Sequence[dataclasses.Field[Any]]) -> dict[str, Any]:
    return {field.name: _frozen(getattr(parsed, field.name)) for field in fields}


def _frozen(value: object) -> object:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value
