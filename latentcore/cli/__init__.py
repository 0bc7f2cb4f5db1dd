"""The command line: every verb's request, as options.

Exit status: 0 done; 2 bad usage or bad input; 130 cancelled by Ctrl-C; ``batch`` 1 when some
inputs failed, 2 when all did.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from latentcore.artifacts import to_json
from latentcore.cli.parser import build_parser, names_in, request_in
from latentcore.cli.reporter import Reporter, readable
from latentcore.encoders import EVERYWHERE, open_checkpoint
from latentcore.errors import Cancelled, InputError, naming
from latentcore.progress import Progress
from latentcore.workflows import VERBS, execute
from latentcore.workflows.batch.verb import failures_in

__all__ = ["build_parser", "main", "request_in"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process if not given.

    Returns
    -------
    int
        Exit status.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parsed = build_parser(arguments).parse_args(arguments)
    verb = VERBS.get(parsed.verb)
    reporter, called = Reporter(quiet=parsed.quiet), names_in(verb.name)
    try:
        request = request_in(parsed)
        out = Path(parsed.out) if verb.writes else None
        # Whoever types a command could run an exported encoder without us; a page can't.
        open_model = functools.partial(open_checkpoint, trusted_roots=EVERYWHERE)
        progress = Progress(reporter.step)
        summary = execute(verb.name, request, out, progress, open_model=open_model)
    except InputError as error:
        reporter.end()
        print(f"{type(error).__name__}: {error.naming(called)}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled) as error:
        reporter.end()
        # A verb that leaves something usable says where.
        left = error.naming(called) if isinstance(error, Cancelled) else ""
        print(*filter(None, [left]), "Cancelled.", sep="\n", file=sys.stderr)
        return 130
    reporter.end()
    for note in summary.get("notes", ()):
        print(f"Note: {naming(note, called)}", file=sys.stderr)
    print(to_json(summary) if parsed.json else readable(summary), end="")
    failed, n = failures_in(verb.name, summary)
    return 0 if not failed else 2 if failed == n else 1
