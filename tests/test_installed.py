"""The package as somebody installs it: a wheel, away from this repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import latentcore
from tests.browser_support import free_port

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a folder of its own; what it depends on is already there."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(folder), str(wheel)], check=True, capture_output=True)
    return folder


@pytest.fixture
def command(installed: Path, tmp_path: Path) -> dict[str, object]:
    """How to run the installed command in an empty folder: arguments of `subprocess`."""
    env = {**os.environ, "PYTHONPATH": str(installed), "LATENT_WORKSPACE": str(tmp_path / "work")}
    return {"cwd": tmp_path, "env": env, "text": True}


def script(installed: Path) -> str:
    return str(next((installed / "bin").glob("latentcore*")))


def test_the_wheel_holds_everything_that_is_not_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in {"latentcore": "", "pages": "latentcore/_dashboard/"}.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}{path.relative_to(ROOT).as_posix()}" in names
    assert "latentcore/_dashboard/.streamlit/config.toml" in names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"latentcore"}


def test_commands_run_away_from_the_repository(installed: Path, command, tmp_path: Path) -> None:
    demo = ["demo", "--size", "16", "--pattern-size", "16", "--out", "demo"]
    subprocess.run([script(installed), *demo], check=True, capture_output=True, **command)
    look = [script(installed), "inspect", "demo/demo.h5"]
    done = subprocess.run(look, check=True, capture_output=True, **command)
    assert "n_samples: 320" in done.stdout
    where = [sys.executable, "-c", "import latentcore; print(latentcore.__file__)"]
    done = subprocess.run(where, check=True, capture_output=True, **command)
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_the_dashboard_opens_away_from_the_repository(installed: Path, command) -> None:
    port = free_port()
    words = [script(installed), "open", "--port", str(port), "--no-browser"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, **command) as running:
        try:
            for line in running.stderr:
                if line.startswith("Latent Explorer: "):
                    break
            else:
                pytest.fail("the server ended")
            for path in ("", "data", "_stcore/health"):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
                    assert answer.status == 200
        finally:
            running.terminate()
            running.stderr.read()


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(re.sub(r"\[.*\]", "", one).split("==") for one in lines if "==" in one)


@pytest.mark.parametrize(
    ("file", "declared"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        (
            "requirements-dev.txt",
            [one for extra in PROJECT["optional-dependencies"].values() for one in extra],
        ),
    ],
)
def test_what_is_pinned_lies_in_the_declared_ranges(file: str, declared: list[str]) -> None:
    ranges = {found.name: found.specifier for found in map(Requirement, declared)}
    ranges.pop(PROJECT["name"], None)  # an extra that contains another
    pins = pinned(file)
    assert pins.keys() == ranges.keys()
    assert [name for name, version in pins.items() if version not in ranges[name]] == []


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{latentcore.__version__}]" in text
