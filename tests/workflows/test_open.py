"""``open``: which link shows one's own files, and what is refused before a server starts."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from latentcore import cli
from latentcore.workflows import open as module
from latentcore.workflows.open import OpenRequest, opened_files, query_for
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.factories.media import picture, write_picture


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A folder with a scan, latents and maps of the same points."""
    x, y = full_grid(6, 5).T
    write_kikuchi(tmp_path / "scan.h5")
    pd.DataFrame({"x": x, "y": y, "Fe": x * 1.5, "Ni": y * 2.5}).to_csv(
        tmp_path / "elements.csv", index=False
    )
    pd.DataFrame({"x": x, "y": y, "latent_d0": np.sin(x), "latent_d1": np.cos(y)}).to_csv(
        tmp_path / "latents.csv", index=False
    )
    return tmp_path


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail("a server was started")

    monkeypatch.setattr(module.subprocess, "Popen", refuse)


def asked(request: OpenRequest) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(query_for(request))
    return parts.path, parse_qs(parts.query, keep_blank_values=True)


def test_files_are_recognized_by_content(scan: Path) -> None:
    files = (str(scan / "latents.csv"), str(scan / "scan.h5"))
    request = OpenRequest(files, map=(f"{scan / 'elements.csv'}:Ni",))
    path, query = asked(request)
    assert path == "/"
    assert query["samples"] == ["opened:scan.h5"]
    assert query["latents"] == ["opened:latents.csv"]
    assert query["maps"][-1] == "opened:elements.csv"
    assert query["reference"] == ["Ni"]
    assert opened_files(request) == [
        scan / "latents.csv",
        scan / "scan.h5",
        scan / "elements.csv",
    ]


def test_samples_without_latents_open_on_the_data_page(scan: Path) -> None:
    path, query = asked(OpenRequest((str(scan / "scan.h5"),)))
    assert (path, query) == ("/data", {"samples": ["opened:scan.h5"]})


def test_maps_alone_take_the_demo_scan_out_of_view(scan: Path) -> None:
    path, query = asked(OpenRequest((str(scan / "elements.csv"),)))
    assert path == "/data"
    assert query == {"samples": [""], "maps": ["opened:elements.csv"]}


def test_a_folder_of_pictures_is_opened_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        write_picture(folder / f"{seed}.png", picture(seed))
    assert asked(OpenRequest((str(folder),)))[1] == {"samples": ["opened:pictures"]}
    assert opened_files(OpenRequest((str(folder),))) == [folder]


def test_nothing_named_is_the_demo_scan() -> None:
    assert query_for(OpenRequest()) == "/"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.h5"], "There is no file at 'gone.h5'"),
        (["note.txt"], "No reader recognizes 'note.txt'"),
        (["scan.h5", "--map", "gone.csv:Fe"], "There is no file at 'gone.csv'"),
        (["--map", "elements.csv:Cu"], "has no column 'Cu'. It has: Fe, Ni"),
        (["--map", "scan.h5"], "'scan.h5' holds samples, no maps"),
    ],
)
def test_what_can_not_be_shown_is_refused_before_a_server_starts(
    scan: Path, no_server: None, monkeypatch, capsys, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(scan)
    (scan / "note.txt").write_text("Dear diary")
    assert cli.main(["open", *arguments]) == 2
    written = capsys.readouterr()
    assert message in written.err
    assert "Traceback" not in written.err
    assert not written.out


def test_a_port_that_is_taken_is_refused(no_server: None, capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["open", "--port", str(port)]) == 2
    assert f"Port {port} is taken" in capsys.readouterr().err
