"""Names that a browser would act upon if they were taken for more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from tests.factories.kikuchi import full_grid, write_kikuchi

__all__ = [
    "FILE",
    "HOST",
    "NAME",
    "PARTS",
    "as_shown",
    "taken_for_more",
    "write_samples",
    "write_scan",
]

HOST = "elsewhere.invalid"
# Whatever of these stands in a text of Markdown as it is, is not shown as it is.
PARTS = (
    f"![](http://{HOST}/x.png)",
    f"[a](http://{HOST}/a)",
    f"<img src=http://{HOST}/y.png>",
    '"><svg onload=alert(1)>',
    "[b](javascript:alert(2))",
    f"http://{HOST}/b",
    f"www.{HOST}",
    f"me@{HOST}",
    ":red[x]",
    "$x^2$",
    ":smile:",
    ":material/home:",
    ":material/open",
    "`c`",
    "*d*",
    "f -> g",
)
NAME = " ".join(PARTS)
# A file's name holds no slash; in a table's first line a semicolon would part columns.
FILE = " ".join((*(part for part in PARTS if "/" not in part), "&lt;"))


def write_scan(folder: Path, name: str = NAME, file: str = FILE) -> dict[str, str]:
    """Write patterns, latents and maps of 6 × 5 points whose names are hostile.

    Returns
    -------
    dict of str
        Names of the files: ``samples``, ``latents``, ``maps``.
    """
    coords = full_grid(6, 5)
    x, y = coords[:, 0], coords[:, 1]
    rng = np.random.default_rng(0)
    write_kikuchi(folder / f"{file} samples.h5", coords)
    values = rng.normal(size=(30, 3)).astype(np.float32)
    grid = ScanGrid.from_coordinates(x, y)
    latents = LatentSet(values, default_sample_ids(30), np.arange(3, dtype=np.int32), grid)
    write_latents(folder / f"{file} latents.h5", latents)
    table = {
        "x": x,
        "y": y,
        name: values[:, 0] * 2 + 1,
        f"{name} second": values[:, 1],
        f"{name} third": values[:, 2],
        f"{name} whole": np.arange(30) % 2,
        f"{name} class": np.where(np.arange(30) % 2, name, f"{name} other"),
        f"{name} phase": np.where(np.arange(30) % 3, name, f"{name} other"),
    }
    pd.DataFrame(table).to_csv(folder / f"{file} maps.csv", index=False)
    return {
        kind.split(".")[0]: f"{file} {kind}" for kind in ("samples.h5", "latents.h5", "maps.csv")
    }


def write_samples(folder: Path, name: str = NAME, file: str = FILE) -> dict[str, str]:
    """Write latents of 30 samples without a grid, with hostile ids, and a table about them.

    Returns
    -------
    dict of str
        Names of the files: ``latents``, ``maps``.
    """
    ids = np.array([f"{name} {number}" for number in range(30)])
    values = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    latents = LatentSet(
        values, ids, np.arange(3, dtype=np.int32), partition=partitions_of(np.full(30, FILE))
    )
    write_latents(folder / f"{file} latents.h5", latents)
    table = {
        "sample_id": ids,
        name: values[:, 0],
        "DT": values[:, 1] + 3,
        f"{name} 2": values[:, 2],
    }
    table[f"{name} class"] = np.where(np.arange(30) % 2, name, "other")
    pd.DataFrame(table).to_csv(folder / f"{file} table.csv", index=False)
    return {"latents": f"{file} latents.h5", "maps": f"{file} table.csv"}


def as_shown(markdown: str) -> str:
    """Return what Streamlit shows of a text without markup of the program's own."""
    return re.sub(r"\\(.)", r"\1", re.sub(r":color\[\\(.)\]", r"\1", markdown))


_TAKEN = re.compile("|".join([*map(re.escape, PARTS), r"(?<!\\)&lt;"]))
# What Streamlit shows as it is, or what is no text.
_PLAIN = {
    ("Selectbox", "options"), ("Selectbox", "raw_value"), ("MultiSelect", "options"),
    ("MultiSelect", "raw_values"), ("Code", "code_text"), ("Text", "body"),
    ("TextInput", "default"), ("TextInput", "value"), ("TextArea", "default"),
    ("TextArea", "value"), ("PlotlyChart", "spec"), ("BidiComponent", "json"),
    ("Arrow", "columns"), ("Dataframe", "columns"),
}  # fmt: skip
_PLAIN_ANYWHERE = {"id", "key", "placeholder", "alt", "form_id", "url", "deferred_file_id", "icon"}


def taken_for_more(app: AppTest) -> list[str]:
    """Return each text of a page in which a part of a name would be taken for more than text."""
    return [
        f"{where}: {text[:200]}"
        for node in app._tree
        for where, text in _texts(getattr(node, "proto", None), type(node).__name__)
    ]


def _texts(message: Any, where: str) -> Iterator[tuple[str, str]]:
    if message is None or not hasattr(message, "DESCRIPTOR"):
        return
    kind = message.DESCRIPTOR.name
    if kind == "PlotlyChart":
        yield from _of_chart(json.loads(message.spec), where)
    for field, value in message.ListFields():
        if field.name in _PLAIN_ANYWHERE or (kind, field.name) in _PLAIN:
            continue
        for entry in value if field.is_repeated else [value]:
            if isinstance(entry, str) and _TAKEN.search(entry):
                yield f"{where} {kind}.{field.name}", entry
            elif field.type == field.TYPE_MESSAGE:
                yield from _texts(entry, where)


def _of_chart(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Charts read tags, entities and, in templates, values."""
    if isinstance(value, str) and re.search(r"<img|(?<!&amp)&lt; ", value):
        yield f"{where} chart", value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _of_chart(entry, where)
    elif isinstance(value, list):
        for entry in value:
            yield from _of_chart(entry, where)
