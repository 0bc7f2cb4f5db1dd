"""Tables of numbers as text, and texts that can't break them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.outputs.exports.scan import unused

_LONGEST = 80
_DIGITS_BELOW_STEP = 4
# Readers find a line of a .ctf's header by such a word in it, wherever it stands.
_HEADER_WORDS = re.compile("Phases|[XY]Cells|[XY]Step|AcqE|NoMeas|JobMode")


def plain(text: str, *, otherwise: str = "unknown") -> str:
    """Return a text as a header may hold it: ASCII, on one line, not too long."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "replace").decode()
    printable = "".join(sign if sign.isprintable() else " " for sign in ascii_only)
    return " ".join(printable.split())[:_LONGEST] or otherwise


def header_text(text: str) -> str:
    """Return a text that no reader of a header takes for one of its entries."""
    return _HEADER_WORDS.sub(lambda found: found[0].lower(), plain(text))


def column_titles(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return names as a list of columns may hold them: commas and colons part it."""
    titles: list[str] = []
    for name in names:
        title = re.sub(r'[,:;"]', " ", plain(name)).strip() or "unknown"
        titles.append(unused(title, [*taken, *titles]))
    return titles


def length_digits(step: float) -> int:
    """Return how many decimals keep a coordinate's place on the grid."""
    return max(4, _DIGITS_BELOW_STEP - math.floor(math.log10(step)))


def write_table(
    path: Path,
    header: Sequence[str],
    formats: Sequence[str],
    blocks: Iterable[NDArray[np.float64]],
    *,
    delimiter: str,
    newline: str,
) -> None:
    """Write lines of text, then rows of numbers.

    Parameters
    ----------
    formats : sequence of str
        Of each column, as of ``%``.
    blocks : iterable of ndarray, shape (b, k)
        All finite.
    """
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(f"{line}{newline}" for line in header)
        for block in blocks:
            np.savetxt(file, block, fmt=delimiter.join(formats), newline=newline)
