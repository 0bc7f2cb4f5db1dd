"""A collection of several scans made on the Data page, and opened again."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from latentcore.readers import open_latents
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from pages.jobs.panel import runner
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.pages.conftest import OpenPage

LATENTS = ["run:extract-b/b_latents.h5", "run:extract-a/a_latents.h5"]
TAB = ":material/library_add: Several scans"


def test_two_scans_become_one_and_are_opened_again(
    open_page: OpenPage, data_root: Path, workspace: Path
) -> None:
    runs = workspace / "runs"
    for name, size in (("a", (4, 5)), ("b", (6, 3))):
        coords = full_grid(*size)
        scan = write_kikuchi(data_root / f"{name}.h5", coords, patterns(len(coords)))
        checkpoint = "pca:3" if name == "a" else str(runs / "extract-a")
        request = ExtractRequest((str(scan),), checkpoint=checkpoint, device="cpu")
        execute("extract", request, runs / f"extract-{name}")
        table = pd.DataFrame(coords, columns=["x", "y"]).assign(quality=range(len(coords)))
        table.to_csv(data_root / f"{name}.csv", index=False)

    app = open_page("data", samples="folder:measured/a.h5", maps="folder:measured/a.csv")
    app.session_state["data_open_files"] = True
    app.session_state["data_open"] = TAB
    app.run()
    assert app.multiselect(key="data.collection.latents").options[0].startswith("b · PCA 3")
    assert app.button(key="data.collection.make").disabled
    app.multiselect(key="data.collection.latents").set_value(LATENTS).run()
    app.multiselect(key=f"data.collection.maps.{LATENTS[1]}").set_value(["folder:measured/a.csv"])
    app.text_input(key="data.collection.name").set_value("steels")
    app.button(key="data.collection.make").click().run()
    end = time.monotonic() + 60
    while not any(key.key and key.key.startswith("data.collection.open.") for key in app.button):
        assert time.monotonic() < end
        app.run()
    assert not app.exception

    (collection,) = runs.glob("collect*")
    joined = open_latents(collection / "steels_latents.h5")
    ours = [open_latents(runs / f"extract-{name}/{name}_latents.h5") for name in "ba"]
    np.testing.assert_array_equal(joined.values[:], np.concatenate([one.values for one in ours]))
    assert list(joined.partition.names) == ["b", "a"]
    maps = pd.read_parquet(collection / "steels_maps.parquet")
    assert maps["quality"].isna().sum() == len(ours[0])

    place = f"run:{collection.name}/steels_latents.h5"
    # What it was made of comes back, to be put in another order under other names.
    app.multiselect(key="data.collection.latents").set_value([]).run()
    app.button(key=f"data.collection.change.{place}").click().run()
    assert not app.exception
    assert app.multiselect(key="data.collection.latents").value == LATENTS
    maps_of = [app.multiselect(key=f"data.collection.maps.{one}").value for one in LATENTS]
    assert maps_of == [[], ["folder:measured/a.csv"]]
    assert app.button(key=f"data.collection.up.{LATENTS[0]}").disabled
    app.button(key=f"data.collection.up.{LATENTS[1]}").click().run()
    assert app.multiselect(key="data.collection.latents").value == LATENTS[::-1]
    app.text_input(key=f"data.collection.scan.{LATENTS[1]}").set_value("annealed").run()
    app.text_input(key="data.collection.name").set_value("changed")
    app.button(key="data.collection.make").click().run()
    end = time.monotonic() + 60
    while not (changed := list(runs.glob("collect*/changed_latents.h5"))):
        assert time.monotonic() < end
        app.run()
    runner().wait(runner().list()[0].id, 60)
    assert open_latents(changed[0]).partition.names == ("annealed", "b")
    assert (collection / "steels_latents.h5").exists()
    app.run()

    again = app.button(key=f"data.collection.again.{place}")
    assert again.label.replace("\\", "").startswith("steels (2 scans)")
    again.click().run()
    assert not app.exception
    assert app.title[0].value == "Explore"
    scan = app.session_state["scan"]
    assert (scan.latents, scan.samples) == (place, None)
    assert scan.maps == (f"run:{collection.name}/steels_maps.parquet",)
