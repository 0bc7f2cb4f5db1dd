"""The browser counts points in bins as numpy does, and a brush in a histogram is a range."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from latentcore.analysis.exploration import selected_rows
from latentcore.analysis.panel_ids import panel_axes, scatter_panel
from latentcore.analysis.selection import Shape
from latentcore.containers import LatentSet, SourceRef
from tests.browser_support import skip_or_fail

SCRIPT = Path(__file__).with_name("js") / "histogram.mjs"


def in_the_browser(cases: list[np.ndarray]) -> list[dict]:
    node = shutil.which("node")
    if node is None:
        skip_or_fail("node is not installed")
    plain = [[float(v) if np.isfinite(v) else None for v in values] for values in cases]
    command = [node, "--no-warnings", "--experimental-default-type=module", str(SCRIPT)]
    done = subprocess.run(command, input=json.dumps(plain), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_bins_are_those_of_numpy():
    random = np.random.default_rng(0)
    cases = [
        random.normal(size=5_000),
        random.integers(0, 256, 3_001) / 10,  # many values on edges
        np.where(random.random(900) < 0.1, np.nan, random.exponential(1e-4, 900)),
        np.linspace(-0.3, 0.7, 101),
        np.full(7, 2.5),
        np.array([3e8, 3e8 + 32, 3e8 + 64]),
    ]
    singles = [values.astype(np.float32) for values in cases]
    for values, answer in zip(singles, in_the_browser(singles), strict=True):
        exact = values.astype(np.float64)
        finite = exact[np.isfinite(exact)]
        bins = len(answer["all"])
        assert bins == max(8, min(120, int(np.ceil(2 * np.cbrt(len(finite))))))
        counts, edges = np.histogram(finite, bins)
        np.testing.assert_allclose(answer["edges"], edges, rtol=1e-15, atol=0)
        # Which side of an edge a value falls on is decided by the edges that the browser drew.
        counts = np.histogram(finite, answer["edges"])[0]
        assert answer["all"] == counts.tolist()
        odd = exact[1::2]
        assert answer["odd"] == np.histogram(odd[np.isfinite(odd)], answer["edges"])[0].tolist()
        assert answer["even"] == (counts - answer["odd"]).tolist()


def test_a_brushed_range_selects_the_values_in_it():
    values = np.array([[0.5], [1.0], [1.5], [2.0], [np.nan]], np.float32)
    latents = LatentSet(
        values=values,
        sample_ids=np.array(list("abcde")),
        dims=np.array([3], np.int32),
        ref=SourceRef("nowhere", "none", {}),
        fingerprint="f",
    )
    strokes = (Shape(scatter_panel(3, 3), "box", ((1.0, 1.0), (1.75, 1.75)), "replace"),)
    axes = panel_axes({"A": strokes}, latents=latents, maps={}, embeddings={})
    found = selected_rows(strokes, axes, np.array([True, True, True, True, True]))
    assert found.tolist() == [False, True, True, False, False]
