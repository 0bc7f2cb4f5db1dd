"""Damaged copies of each format are read or refused; `benchmarks.fuzz` tries thousands."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from latentcore import readers
from latentcore.containers import SampleSource
from latentcore.errors import InputError
from tests.factories.damaged_files import damage
from tests.factories.kikuchi import full_grid
from tests.factories.layouts import LAYOUTS, Layout

OPENERS = {
    "samples": readers.open_samples,
    "latents": readers.open_latents,
    "maps": readers.open_maps,
}
COPIES = 25
COORDS = full_grid(5, 4)
VALUES = (np.arange(20) * 7 % 20 + 1).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_damaged_copies_are_read_or_refused(layout: Layout, tmp_path: Path) -> None:
    whole = tmp_path / "whole" / layout.file_name
    whole.parent.mkdir()
    layout.write(whole, COORDS, VALUES)
    rng = np.random.default_rng(0)
    refused = 0
    for number in range(COPIES):
        folder = tmp_path / str(number)
        shutil.copytree(whole.parent, folder)
        path = folder / layout.file_name
        damage(path, rng)
        refused += _is_refused(layout, path)
        shutil.rmtree(folder)
    assert 0 < refused < COPIES


def _is_refused(layout: Layout, path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            opened = OPENERS[layout.kind](path, reader=layout.reader, **layout.options(path))
            if isinstance(opened, SampleSource):
                with opened:
                    opened.read(slice(0, 1_000))
        except InputError as error:
            assert all(sign.isprintable() or sign == "\n" for sign in str(error))
            return True
    return False
