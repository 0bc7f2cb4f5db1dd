"""Which columns of a table are numbers, and which only stand for names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError


class Columns:
    """Columns of values by name, some of them of categories."""

    values: NDArray[Any]
    names: tuple[str, ...]
    categories: Mapping[str, Mapping[int, str]]
    called: ClassVar[str] = "column"

    def get(self, name: str) -> NDArray[np.float32]:
        """Return one column's values, shape (n,).

        Raises
        ------
        RequestError
            If there is none of that name.
        """
        if name not in self.names:
            known = ", ".join(self.names) or "none"
            message = f"No {self.called} is called {name!r}. There are: {known}."
            raise RequestError(message)
        values: NDArray[np.float32] = self.values[self.names.index(name)]
        return values

    def at_rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return all columns at some rows, shape (k, m); NaN where a row is −1."""
        found = rows >= 0
        values = np.full((len(self.names), len(rows)), np.nan, np.float32)
        values[:, found] = self.values[:, rows[found]]
        return values


def holds_names(columns: Columns, name: str) -> bool:
    """Tell whether a column's numbers only stand for texts, such as phases' names."""
    return any(text != str(number) for number, text in columns.categories.get(name, {}).items())


def numeric(columns: Columns) -> tuple[str, ...]:
    """Return the columns whose values are numbers: quantities, then whole numbers of labels."""
    labels = (name for name in columns.categories if not holds_names(columns, name))
    return (*quantities(columns), *labels)


def quantities(columns: Columns) -> tuple[str, ...]:
    """Return the columns that measure something: neither names nor numbers of labels."""
    return tuple(name for name in columns.names if name not in columns.categories)


def refuse_names(columns: Columns, wanted: Iterable[str]) -> None:
    """Refuse columns of names where numbers are needed.

    Parameters
    ----------
    columns : Columns
        All that there are, for the message.
    wanted : iterable of str
        Those that are to be taken as numbers.

    Raises
    ------
    RequestError
        If one of them holds names.
    """
    for name in wanted:
        if holds_names(columns, name):
            example = next(iter(columns.categories[name].values()))
            known = ", ".join(numeric(columns))
            advice = (
                f"There are these columns of numbers: {known}. Name one of them"
                if known
                else "There is no column of numbers beside it. Give another file"
            )
            message = (
                f"{name!r} holds names, such as {example!r}, where numbers are needed. {advice}; "
                "'agree' and 'probe' take names as labels."
            )
            raise RequestError(message)
