"""The command line: every verb's request, as options.

Exit status: 0 done; 2 bad usage or bad input; 130 cancelled by Ctrl-C.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latentcore.artifacts import to_json
from latentcore.errors import Cancelled, InputError
from latentcore.progress import Progress
from latentcore.workflows import VERBS, Verb, execute
from latentcore.workflows._verbs import option_of

__all__ = ["build_parser", "main"]

_REPORT_EVERY_S = 0.2
_NEGATIVE_NUMBER = re.compile(r"^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process if not given.

    Returns
    -------
    int
        Exit status.
    """
    parsed = build_parser().parse_args(arguments)
    verb = VERBS.get(parsed.verb)
    values = {
        field.name: _frozen(getattr(parsed, field.name))
        for field in dataclasses.fields(verb.request)
    }
    reporter = _Reporter(quiet=parsed.quiet)
    try:
        request = verb.request(**values)
        out = Path(parsed.out) if verb.writes else None
        summary = execute(verb.name, request, out, Progress(reporter.step))
    except InputError as error:
        reporter.end()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled) as error:
        reporter.end()
        # A verb that leaves something usable says where.
        print(*filter(None, [str(error)]), "Cancelled.", sep="\n", file=sys.stderr)
        return 130
    reporter.end()
    for note in summary.get("notes", ()):
        print(f"Note: {note}", file=sys.stderr)
    print(to_json(summary) if parsed.json else _readable(summary), end="")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="python -m latentcore",
        description="Latent Explorer's tasks as commands.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        _add_verb(verbs.add_parser(name, help=verb.summary, description=verb.summary), verb)
    return parser


def _add_verb(parser: argparse.ArgumentParser, verb: Verb) -> None:
    # argparse of Python 3.11 takes -2e-4 for an option, and latents are as small as that.
    parser._negative_number_matcher = _NEGATIVE_NUMBER
    for field in dataclasses.fields(verb.request):
        _add_option(parser, field)
    if verb.writes:
        parser.add_argument(
            "--out", required=True, metavar="DIR", help="the run folder, filled when all is done"
        )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_option(parser: argparse.ArgumentParser, field: dataclasses.Field[Any]) -> None:
    details = option_of(field)
    choices = details.choices() if callable(details.choices) else details.choices
    settings: dict[str, Any] = {"help": details.help.replace("%", "%%")}
    if isinstance(field.default, bool):
        parser.add_argument(*_flags(field.name), action="store_true", **settings)
        return
    if callable(details.convert):
        settings["type"] = details.convert
    if details.nargs is not None:
        settings["nargs"] = details.nargs
    if choices is not None:
        settings["choices"] = tuple(choices)
    if details.metavar is not None:
        settings["metavar"] = details.metavar
    if details.repeat:
        # An option that takes several words and is repeated collects them all in one list.
        settings["action"] = "append" if details.nargs is None else "extend"
    if not callable(details.convert):
        settings["action"] = _ConvertEach
        settings["convert"] = tuple(details.convert)
    required = field.default is dataclasses.MISSING
    if details.positional:
        optional: dict[str, Any] = {} if required else {"nargs": "?", "default": field.default}
        parser.add_argument(field.name, **settings, **optional)
        return
    default = None if required else field.default
    if details.repeat and isinstance(default, tuple):
        default = list(default)  # argparse appends to a copy of it
    parser.add_argument(*_flags(field.name), required=required, default=default, **settings)


class _ConvertEach(argparse.Action):
    """Converts each word of an option with a function of its own: ``--keep-above MAP VALUE``."""

    def __init__(self, *args: Any, convert: tuple[Any, ...], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._convert = convert

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
        setattr(namespace, self.dest, converted)


def _flags(name: str) -> tuple[str, ...]:
    """Return how an option is written: ``--batch-size``; ``--k`` and, of one letter, ``-k``."""
    long = "--" + name.replace("_", "-")
    return (f"-{name}", long) if len(name) == 1 else (long,)


def _frozen(value: object) -> object:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


def _readable(summary: dict[str, Any]) -> str:
    lines = []
    for key, value in summary.items():
        lines.append(
            f"{key}: {value}"
            if not isinstance(value, dict | list)
            else f"{key}: {to_json(value).strip()}"
        )
    return "\n".join(lines) + "\n"


class _Reporter:
    """One line of progress on standard error, rewritten in place on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last = 0.0
        self._open = False
        self._stage = ""
        self._stage_start = 0.0
        self._stage_done = 0

    def step(self, done: int, total: int, message: str) -> None:
        now = time.monotonic()
        if message != self._stage:
            # Another stage, another pace; what was done before it began says nothing of it.
            self._stage, self._stage_start, self._stage_done = message, now, done
        if self._quiet or (now - self._last < _REPORT_EVERY_S and done < total):
            return
        self._last = now
        share = f"{100 * done / total:3.0f} %" if total else ""
        text = f"{message} {done}/{total} {share}{self._left(now, done, total)}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            print(text, file=sys.stderr, flush=True)

    def _left(self, now: float, done: int, total: int) -> str:
        own = done - self._stage_done
        if own <= 0 or done >= total:
            return ""
        return f", {(now - self._stage_start) / own * (total - done):.0f} s left"

    def end(self) -> None:
        if self._open:
            print(file=sys.stderr)
