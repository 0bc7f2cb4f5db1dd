"""Names lead to parts, and a wrong name to a hint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from latentcore.errors import Cancelled, SettingsError, UnknownNameError
from latentcore.progress import Progress
from latentcore.registry import Registry
from latentcore.settings import Settings


def test_unknown_name_lists_what_exists_and_the_nearest() -> None:
    parts: Registry[int] = Registry("clusterer", "tests.core")
    parts._loaded = True
    parts.register("kmeans")(1)
    parts.register("dbscan")(2)
    with pytest.raises(UnknownNameError, match=r"'kmean'.*mean 'kmeans'.*dbscan, kmeans"):
        parts.get("kmean")


def test_two_parts_of_one_name_are_refused() -> None:
    parts: Registry[int] = Registry("clusterer", "tests.core")
    parts.register("a")(1)
    with pytest.raises(ValueError, match="Two clusterers"):
        parts.register("a")(2)


def test_progress_reports_then_stops_when_cancelled() -> None:
    seen = []
    progress = Progress(lambda *step: seen.append(step))
    progress.step(1, 2, "reading")
    progress.cancel()
    with pytest.raises(Cancelled):
        progress.step(2, 2)
    assert seen == [(1, 2, "reading")]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"LATENT_MAX_UPLOAD_MB": "-3"}, "LATENT_MAX_UPLOAD_MB is '-3'"),
        ({"LATENT_DATA_ROOTS": "/no/such/folder"}, "LATENT_DATA_ROOTS names '/no/such/folder'"),
    ],
)
def test_wrong_setting_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment(environment)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, latentcore; "
        "print(sorted({'torch', 'sklearn', 'h5py', 'umap', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
