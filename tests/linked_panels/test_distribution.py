"""Boxes are of the quantiles that numpy finds, and violins of the density that scipy does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
from scipy.stats import gaussian_kde

from tests.browser_support import skip_or_fail

SCRIPT = Path(__file__).with_name("js") / "distribution.mjs"


def in_the_browser(values: np.ndarray, **rest: object) -> list[dict | None]:
    node = shutil.which("node")
    if node is None:
        skip_or_fail("node is not installed")
    plain = [float(v) if np.isfinite(v) else None for v in values]
    command = [node, "--no-warnings", "--experimental-default-type=module", str(SCRIPT)]
    question = json.dumps({"values": plain, **rest})
    done = subprocess.run(command, input=question, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_boxes_and_violins_are_those_of_numpy_and_scipy():
    random = np.random.default_rng(0)
    cases = [
        random.normal(3e-4, 1e-5, 2_000),
        random.standard_t(2, 500),  # long tails: values beyond the whiskers
        np.concatenate([random.normal(-2, 0.3, 300), random.normal(2, 1, 200)]),
        random.integers(0, 5, 41).astype(float),
        np.full(6, 2.5),
        np.array([7.0]),
        np.array([]),
    ]
    values = np.concatenate(cases).astype(np.float32)
    group = np.repeat(np.arange(len(cases)), [len(one) for one in cases])
    order = random.permutation(len(values))
    values, group = values[order], group[order]
    values[::50], group[1::50] = np.nan, -1
    outside, mask = random.random((2, len(values))) < 0.2
    answers = in_the_browser(
        values, groupOf=group.tolist(), groups=len(cases),
        outside=outside.tolist(), mask=mask.tolist(),
    )  # fmt: skip
    for number, answer in enumerate(answers):
        chosen = (group == number) & ~outside & np.isfinite(values)
        exact = values[chosen].astype(np.float64)
        if answer is None:
            assert not len(exact)
            continue
        q1, _, q3 = quartiles = np.quantile(exact, [0.25, 0.5, 0.75])
        np.testing.assert_allclose(answer["quartiles"], quartiles, rtol=1e-12)
        assert (answer["n"], answer["low"], answer["high"]) == (len(exact), min(exact), max(exact))
        fence = 1.5 * (q3 - q1)
        within = exact[(exact >= q1 - fence) & (exact <= q3 + fence)]
        ends = min(within.min(), q1), max(within.max(), q3)
        np.testing.assert_allclose(answer["whiskers"], ends, rtol=1e-12)
        if exact.min() == exact.max():
            assert answer["density"] == answer["part"] == []
            continue
        sd = exact.std(ddof=1)
        wide = 0.9 * min(sd, (q3 - q1) / 1.34) * len(exact) ** -0.2
        step = np.ptp(exact) / (len(answer["density"]) - 1)
        np.testing.assert_allclose(answer["bandwidth"], max(wide, step), rtol=1e-6)
        nodes = np.linspace(exact.min(), exact.max(), len(answer["density"]))
        density = gaussian_kde(exact, answer["bandwidth"] / sd)(nodes)
        rough = (step / answer["bandwidth"]) ** 2 / 8 + 1e-4  # of sharing out between two nodes
        np.testing.assert_allclose(answer["density"], density, atol=2 * rough * density.max())
        some = values[chosen & mask].astype(np.float64)
        width = answer["bandwidth"]
        kernels = np.exp(-0.5 * ((nodes[:, None] - some) / width) ** 2).sum(axis=1)
        part = kernels / (len(exact) * width * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(answer["part"], part, atol=2 * rough * density.max())
