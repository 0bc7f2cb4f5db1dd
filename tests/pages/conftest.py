"""A workspace of its own for each test, with a tiny demo scan in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest, app_test, local_script_runner

from latentcore.settings import settings
from pages.access import places
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.pages.people import annas, person, toys

__all__ = ["annas", "person", "toys"]  # fixtures of the people's tests

APP = Path(__file__).parents[2] / "app.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def once_as_on_a_server() -> Iterator[None]:
    """Look for components in all packages, and compile each script, once and not per AppTest."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (manifest_scanner, "scan_component_manifests"),
            (app_test, "ScriptCache"),
            (local_script_runner, "ScriptCache"),
        ):
            patch.setattr(module, name, functools.cache(getattr(module, name)))
        yield


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    root = tmp_path / "measured"
    root.mkdir()
    return root


@pytest.fixture
def workspace(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "workspace"
    monkeypatch.setenv("LATENT_WORKSPACE", str(folder))
    monkeypatch.setenv("LATENT_DATA_ROOTS", str(data_root))
    settings.cache_clear()
    yield settings().workspace
    st.cache_resource.clear()
    st.cache_data.clear()
    settings.cache_clear()


@pytest.fixture
def demo(workspace: Path) -> Path:
    """Put a scan of 6 × 5 points where the demo scan is looked for."""
    folder = places.demo_folder()
    folder.mkdir(parents=True)
    coords = full_grid(6, 5, x0=10)
    write_kikuchi(folder / "demo.h5", coords)
    where = {"x": coords[:, 0], "y": coords[:, 1]}
    values = np.arange(30)
    pd.DataFrame({**where, "BandContrast": values}).to_csv(
        folder / "demo_bandcontrast.csv", index=False
    )
    pd.DataFrame({**where, "Fe": values / 10, "Ni": 3 - values / 10}).to_csv(
        folder / "demo_elements.csv", index=False
    )
    pd.DataFrame({**where, "phase_id": values % 2}).to_csv(folder / "demo_truth.csv", index=False)
    (folder / "run.json").write_text('{"verb": "demo"}')
    return folder


@pytest.fixture
def open_page(demo: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Return a function that opens a page inside of the frame."""
    init = PagesManager.__init__

    def without_pages_directory(self: PagesManager, *args: object, **options: object) -> None:
        init(self, *args, **options)
        # AppTest forgets at each run that the server has switched this off; see app.py.
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", without_pages_directory)

    def open_(page: str = "data", **query: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        return app.switch_page(f"pages/tasks/{page}/{page}.py").run()

    return open_
