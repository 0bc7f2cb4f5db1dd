"""What is remembered of a browser: files that it had in view, and notices that it closed."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.errors import InputError
from pages.access import browsers, places, uploads
from pages.access.browsers import COOKIE, BrowserCookie
from tests.factories.kikuchi import write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.test_frame import texts

NAME = "0123456789abcdef" * 2


@pytest.fixture
def mine(demo: Path, data_root: Path) -> tuple[str, str]:
    """An uploaded map of the demo scan, and the same one in a folder of the server."""
    table = (demo / "demo_bandcontrast.csv").read_bytes()
    (data_root / "bc.csv").write_bytes(table)
    folder = places.uploads_folder() / ("ab" * 16)
    folder.mkdir(parents=True)
    (folder / "mine.csv").write_bytes(table)
    return f"upload:{folder.name}/mine.csv", "folder:measured/bc.csv"


def with_cookie(monkeypatch: pytest.MonkeyPatch, name: str = NAME) -> None:
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _self: {COOKIE: name}))


def listed(app: AppTest) -> dict[str, str]:
    return {
        one.label.replace("\\", ""): one.key
        for one in app.button
        if (one.key or "").startswith("recent_open_")
    }


def test_files_are_listed_in_a_later_session_and_deleted_or_forgotten(
    open_page: OpenPage, mine: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_cookie(monkeypatch)
    uploaded, lying = mine
    open_page(samples="demo:demo.h5", maps=[uploaded, lying])
    app = open_page(samples="demo:demo.h5", maps=[uploaded])
    assert set(listed(app)) == {"mine.csv", "bc.csv · measured"}
    for name in ("mine.csv", "bc.csv · measured"):
        number = listed(app)[name].rpartition("_")[2]
        app.button(key=f"recent_delete_{number}").click().run()
        assert not app.exception and name not in listed(app)
    assert not app.session_state["scan"].maps
    assert not places.uploads_folder().joinpath("ab" * 16).exists()
    assert places.resolve(lying).is_file()
    assert not listed(open_page())


def test_recent_files_are_on_offer_in_the_sidebar_after_a_reload(
    open_page: OpenPage, mine: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_cookie(monkeypatch)
    uploaded, lying = mine
    open_page(samples="demo:demo.h5", maps=[uploaded, lying])
    places.resolve(lying).unlink()
    offered = open_page().sidebar.multiselect[0].options
    assert "mine.csv" in offered
    assert "bc.csv · measured" not in offered


def test_without_a_cookie_the_list_lives_as_long_as_the_session(
    open_page: OpenPage, mine: tuple[str, str]
) -> None:
    app = open_page(samples="demo:demo.h5", maps=[mine[0]])
    print([b.key for b in app.button], app.session_state["browser_memory"])
    assert set(listed(app)) == {"mine.csv"}
    assert not listed(open_page())


def test_a_strip_that_was_closed_never_comes_back(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_cookie(monkeypatch)
    app = open_page()
    assert "Open files" in texts(app.markdown)
    app.button(key="first_visit_close_data").click().run()
    for later in (app, open_page()):
        assert "first_visit_close_data" not in [one.key for one in later.button]
    with_cookie(monkeypatch, "f" * 32)
    assert "first_visit_close_data" in [one.key for one in open_page().button]


def test_a_scan_opens_with_its_newest_latents(
    open_page: OpenPage, data_root: Path, demo: Path
) -> None:
    scan = write_kikuchi(data_root / "scan.h5")
    for number, (encoder, seconds) in enumerate((("pca", 1), ("vae-cnn", 2))):
        run = places.runs_folder() / f"extract-{number}"
        run.mkdir(parents=True)
        (run / "scan_latents.h5").touch()
        entry = {"location": str(scan), "reader": "", "fingerprint": "", "role": "samples"}
        record = {"verb": "extract", "inputs": [entry], "summary": {"encoder": encoder}}
        record["files"] = {"scan_latents.h5": {"sha256": "", "bytes": 0}}
        (run / "run.json").write_text(json.dumps(record))
        os.utime(run / "run.json", (seconds, seconds))
    app = open_page(samples="demo:demo.h5", maps=[])
    app.session_state["known_places"] = ("folder:measured/scan.h5",)
    app.run()
    picker = next(one for one in app.sidebar.selectbox if one.key.startswith("pick_samples"))
    picker.set_value("folder:measured/scan.h5").run()
    assert app.session_state["scan"].latents == "run:extract-1/scan_latents.h5"


@pytest.mark.parametrize(
    "place",
    ["folder:measured/bc.csv", "upload:../runs/x", f"upload:{'ab' * 16}/../x", "demo:demo.h5"],
)
def test_only_uploaded_files_are_deleted(workspace: Path, place: str) -> None:
    with pytest.raises(InputError, match="no uploaded file"):
        uploads.delete_upload(place)


def test_browsers_are_named_once_and_records_of_others_are_no_paths(workspace: Path) -> None:
    def headers(cookie: str, kind: str) -> list[tuple[bytes, bytes]]:
        sent: list[dict] = []

        async def app(scope, receive, send) -> None:
            head = [(b"content-type", kind.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {"type": "http", "headers": [(b"cookie", cookie.encode())]}
        asyncio.run(BrowserCookie(app)(scope, None, send))
        return [value for key, value in sent[0]["headers"] if key == b"set-cookie"]

    [given] = headers("", "text/html; charset=utf-8")
    name = given.decode().partition("=")[2].partition(";")[0]
    assert browsers.is_name(name) and b"HttpOnly" in given
    assert not headers(f"{COOKIE}={name}", "text/html")
    assert not headers("", "text/css")
    assert headers(f"{COOKIE}=../../etc", "text/html")
    with pytest.raises(ValueError, match="no name"):
        browsers.kept_for("../../etc/passwd")
    (workspace / "browsers").mkdir(parents=True)
    (workspace / "browsers" / f"{name}.json").write_text('{"recent": [3]}')
    assert browsers.kept_for(name) == {}
