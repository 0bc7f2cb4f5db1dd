"""The Compare page's fourth question: what the model makes of the samples that it encoded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import read_run
from latentcore.jobs import JobRecord
from latentcore.readers import open_maps
from latentcore.workflows import VERBS
from pages.access import places
from pages.jobs.panel import runner
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.pages.conftest import OpenPage

NX, NY = 12, 10
PLACES = full_grid(NX, NY)


@pytest.fixture
def scans(data_root: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Latents of two scans by one PCA; some points of the second are noise."""
    for verb in ("reconstruct", "novelty"):
        here = dataclasses.replace(VERBS.get(verb), pool="thread")
        monkeypatch.setitem(VERBS._parts, verb, here)
    rng = np.random.default_rng(0)
    shots = patterns(2 * len(PLACES), (12, 12))
    shots[-7:] = rng.integers(0, 255, size=shots[-7:].shape)
    known = write_kikuchi(data_root / "known.h5", PLACES, shots[: len(PLACES)])
    new = write_kikuchi(data_root / "new.h5", PLACES, shots[len(PLACES) :])
    first = extracted(known, "pca:3")
    second = extracted(new, str(first.folder / "model.safetensors"))
    return tuple(
        f"run:{one.folder.name}/{stem}_latents.h5"
        for one, stem in ((second, "new"), (first, "known"))
    )


def extracted(samples: Path, checkpoint: str) -> JobRecord:
    request = VERBS.get("extract").request(location=(str(samples),), checkpoint=checkpoint)
    return ended(runner().submit("extract", request, title="latents").id)


def ended(job: str) -> JobRecord:
    record = runner().wait(job, 120)
    assert record.state == "finished", record.error
    return record


def pressed(app: AppTest) -> tuple[AppTest, JobRecord]:
    [button] = [one for one in app.button if one.label == "Compare"]
    assert not button.disabled
    app = button.click().run()
    job = app.query_params["job"]
    record = ended(job if isinstance(job, str) else job[0])
    return app.run(), record


def reconstructed(open_page: OpenPage, samples: str, latents: str) -> tuple[AppTest, JobRecord]:
    app = open_page("compare", samples=samples, latents=latents)
    app.segmented_control(key="compare.mode").set_value("reconstruct").run()
    assert not app.exception
    return pressed(app)


def test_errors_become_a_map_and_a_percentile(open_page: OpenPage, scans: tuple[str, str]) -> None:
    new, known = scans
    samples = "folder:measured/new.h5"
    app, record = reconstructed(open_page, samples, new)
    summary = (read_run(record.folder) or {})["summary"]
    said = "\n".join(one.value for one in app.markdown)
    assert f"**{100 * summary['explained']:.1f} %** of the variance" in said
    assert f"**{summary['mse_median']:.3g}** at the median" in said
    own = pd.read_csv(record.folder / "reconstruction_error.csv")
    app = app.button(key="compare.reconstruction_error.explore").click().run()
    assert not app.exception
    [place] = app.session_state["scan"].maps
    maps = open_maps(places.location(place))
    kept = pd.DataFrame({"x": maps.grid.x, "y": maps.grid.y, "kept": maps.values[0]})
    both = own.merge(kept, on=["x", "y"])
    assert len(both) == len(PLACES)
    np.testing.assert_allclose(both["kept"], both["mse"], rtol=1e-6)
    assert app.session_state["explore"].color == "reconstruction error"

    # Judged by the other scan as well, once that was reconstructed.
    app = open_page("compare", samples=samples, latents=new)
    app.segmented_control(key="compare.mode").set_value("novelty").run()
    app.selectbox(key=f"compare.novelty.reference.{new}").set_value(known).run()
    assert app.toggle(key="compare.novelty.errors").disabled
    _, usual = reconstructed(open_page, "folder:measured/known.h5", known)
    app = open_page("compare", samples=samples, latents=new)
    app.segmented_control(key="compare.mode").set_value("novelty").run()
    app.selectbox(key=f"compare.novelty.reference.{new}").set_value(known).run()
    app.toggle(key="compare.novelty.errors").set_value(True).run()
    app, novelty = pressed(app)
    table = pd.read_csv(novelty.folder / "novelty.csv")
    np.testing.assert_allclose(table["reconstruction_error"], own["mse"], rtol=1e-6)
    known_errors = pd.read_csv(usual.folder / "reconstruction_error.csv")["mse"]
    assert (table["percentile_reconstruction"][-7:] > 95).all()
    assert own["mse"][-7:].min() > known_errors.quantile(0.95)
    app = app.button(key="compare.novelty.explore").click().run()
    assert not app.exception
    names = open_maps(places.location(app.session_state["scan"].maps[-1])).names
    assert names == ("novelty percentile", "reconstruction percentile")


def test_of_other_samples_in_view_nothing_is_said(
    open_page: OpenPage, scans: tuple[str, str]
) -> None:
    new, known = scans
    _, record = reconstructed(open_page, "folder:measured/new.h5", new)
    app = open_page("compare", samples="folder:measured/known.h5", latents=known, job=record.id)
    assert any("was of other latents" in one.value for one in app.info)
    app = open_page("compare", samples="folder:measured/known.h5", latents=new)
    app.segmented_control(key="compare.mode").set_value("reconstruct").run()
    assert [one.disabled for one in app.button if one.label == "Compare"] == [True]
    assert any("isn't known here" in one.value for one in app.info)
