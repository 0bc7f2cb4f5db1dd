"""The S3 tab of the Data page, against a server that asks for credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.errors import InputError
from pages.access import downloads, places, s3
from pages.scan import state
from tests.factories.ebsd import flat_images, write_edax
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.factories.pattern_files import write_up
from tests.pages.conftest import OpenPage
from tests.pages.hostile_text import FILE, NAME, as_shown, taken_for_more
from tests.pages.test_frame import query, texts
from tests.storage.conftest import BUCKET, configure, server  # noqa: F401 - fixtures

TAB = ":material/cloud: S3"
COORDS = full_grid(6, 5)

Put = Callable[[str, bytes], None]


@pytest.fixture
def put(request: pytest.FixtureRequest) -> Put:
    client = request.getfixturevalue("server").client

    def put_(key: str, content: bytes) -> None:
        client.put_object(Bucket=BUCKET, Key=key, Body=content)

    return put_


@pytest.fixture
def remove(request: pytest.FixtureRequest) -> Callable[[str], None]:
    client = request.getfixturevalue("server").client
    return lambda key: client.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture
def set_up(workspace: Path, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Offer a bucket; called again, change settings."""
    change = request.getfixturevalue("configure")

    def set_up_(**changes: str) -> None:
        change(**{"LATENT_S3_BUCKETS": BUCKET, **changes})

    set_up_()
    return set_up_


@pytest.fixture
def browse(set_up: Callable[..., None], open_page: OpenPage) -> Callable[[str], AppTest]:
    """Open the tab below a prefix."""

    def browse_(prefix: str = "") -> AppTest:
        app = open_page()
        app.session_state["data_open"] = TAB
        app.session_state["s3_here"] = s3.S3Location(BUCKET, prefix)
        return app.run()

    return browse_


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_kikuchi(tmp_path_factory.mktemp("scan") / "scan.h5", COORDS).read_bytes()


@pytest.fixture(scope="module")
def bands() -> bytes:
    table = pd.DataFrame({"x": COORDS[:, 0], "y": COORDS[:, 1], "BandContrast": np.arange(30)})
    return table.to_csv(index=False).encode()


def objects(app: AppTest) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if "Changed (UTC)" in table.value)


def names(app: AppTest) -> list[str]:
    return list(objects(app)["Name"])


def button(app: AppTest, label: str):
    return next(found for found in app.button if found.label == label)


def choose(app: AppTest, *wanted: str) -> AppTest:
    """Mark lines of the table of objects."""
    listed = names(app)
    rows = [listed.index(name) for name in wanted]
    table = next(table for table in app.dataframe if "Changed (UTC)" in table.value)
    key = table.proto.id.split("-", 2)[2]  # behind Streamlit's own part of the id
    app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return app.run()


def until_arrived(app: AppTest) -> AppTest:
    """Look again as the browser does, until no download is on the way."""
    end = time.monotonic() + 30
    while "fetching_open" in app.session_state or "fetching_view" in app.session_state:
        assert time.monotonic() < end, "the download never ended"
        time.sleep(0.1)
        app.run()
    return app


def endless(location, progress):
    """Fetch without end."""
    del location
    while True:
        progress.step(5, 10, "downloading")
        time.sleep(0.01)


def scan_of(app: AppTest) -> state.ScanState:
    return app.session_state["scan"]


def test_without_buckets_it_is_reported_how_the_operator_opens_one(open_page: OpenPage) -> None:
    app = open_page()
    app.session_state["data_open"] = TAB
    assert "LATENT_S3_BUCKETS" in texts(app.run().info)


def test_nobody_asks_s3_before_the_tab_is_open(set_up, open_page: OpenPage) -> None:
    set_up(LATENT_S3_ENDPOINT="http://127.0.0.1:9")
    app = open_page()
    assert not app.error
    assert not app.exception


def test_keys_are_text_where_they_are_folders_steps_and_objects(
    browse, put: Put, scan: bytes
) -> None:
    put(f"text/{FILE}/{NAME}/scan.h5", scan)
    app = browse("text/")
    assert taken_for_more(app) == []
    [folder] = [one for one in app.button if as_shown(one.label) == FILE]
    folder.click().run()
    assert taken_for_more(app) == []
    app = choose(browse(f"text/{FILE}/{NAME}/"), "scan.h5")
    button(app, "Preview").click().run()
    assert taken_for_more(app) == []


def test_folders_objects_sizes_and_dates(browse, put: Put) -> None:
    for key, size in (("tree/a.h5", 1200), ("tree/b.csv", 5), ("tree/sub/c.h5", 7)):
        put(key, b"x" * size)
    app = browse("tree/")
    assert names(app) == ["a.h5", "b.csv"]
    assert list(objects(app)["Size"]) == [1200, 5]
    age = pd.Timestamp.now("UTC") - objects(app)["Changed (UTC)"]
    assert (age < pd.Timedelta("1h")).all()
    button(app, "sub").click().run()
    assert names(app) == ["c.h5"]
    button(app, "tree").click().run()
    assert names(app) == ["a.h5", "b.csv"]


def test_250_objects_come_in_pages_and_are_filtered_by_the_service(browse, put: Put) -> None:
    for number in range(250):
        put(f"long/scan_{number:03}.h5", b"")
    app = browse("long/")
    assert names(app) == [f"scan_{number:03}.h5" for number in range(200)]
    button(app, "Next page").click().run()
    assert names(app) == [f"scan_{number:03}.h5" for number in range(200, 250)]
    assert button(app, "Next page").disabled
    button(app, "Previous page").click().run()
    assert len(names(app)) == 200
    field = next(field for field in app.text_input if field.label == "Names that begin with")
    field.set_value("scan_24").run()
    assert names(app) == [f"scan_24{digit}.h5" for digit in range(10)]
    field.set_value("nothing").run()
    assert "Nothing here with a name that begins with" in texts(app.caption)


def test_a_preview_reads_ranges_and_downloads_nothing(browse, put: Put, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (2000, 1, 60, 60)).astype(np.uint8)
    coords = np.column_stack([np.arange(2000), np.zeros(2000, int)])
    put("look/big.h5", write_kikuchi(tmp_path / "big.h5", coords, images).read_bytes())
    app = choose(browse("look/"), "big.h5")
    button(app, "Preview").click().run()
    assert not app.exception
    assert not app.error
    contents = next(table.value for table in app.dataframe if "Key" in table.value)
    assert dict(zip(contents["Key"], contents["Shape"], strict=True)) == {
        "coords": "2000 × 2",
        "images": "2000 × 1 × 60 × 60",
    }
    assert "this look fetched" in texts(app.caption)
    assert "The first 12 of 'images'" in texts(app.caption).replace("\\", "")
    assert not list((tmp_path / "workspace" / "cache").rglob("big.h5"))
    button(app, "Close").click().run()
    assert "this look fetched" not in texts(app.caption)


def test_a_preview_of_something_else_says_what_it_is(browse, put: Put) -> None:
    put("odd/text.h5", b"hello" * 100)
    app = choose(browse("odd/"), "text.h5")
    button(app, "Preview").click().run()
    assert "'text.h5' is not an HDF5 file" in texts(app.error).replace("\\", "")


def test_objects_opened_together_become_one_scan(
    browse, put: Put, scan: bytes, bands: bytes
) -> None:
    put("series/scan.h5", scan)
    put("series/bands.csv", bands)
    app = choose(browse("series/"), "scan.h5", "bands.csv")
    button(app, "Open 2 objects").click().run()
    app = until_arrived(app)
    assert not app.exception
    assert not app.error
    assert "opened as patterns" in texts(app.success)
    shown = scan_of(app)
    assert shown.samples == f"s3:{BUCKET}/series/scan.h5"
    assert shown.maps == (f"s3:{BUCKET}/series/bands.csv",)
    assert query(app, "samples") == [shown.samples]
    assert places.resolve(shown.samples).read_bytes() == scan
    assert places.location(shown.samples) == f"s3://{BUCKET}/series/scan.h5"


def test_maps_beside_patterns_come_with_them(browse, put: Put, tmp_path: Path) -> None:
    images = flat_images(np.arange(30), (8, 8))
    put("raw/scan.up1", write_up(tmp_path / "scan.up1", images, version=1).read_bytes())
    put("raw/scan.H5", write_edax(tmp_path / "a.h5", COORDS, None, np.arange(30)).read_bytes())
    app = choose(browse("raw/"), "scan.up1")
    button(app, "Open").click().run()
    app = until_arrived(app)
    assert not app.error
    assert "opened as patterns and maps" in texts(app.success)
    place = f"s3:{BUCKET}/raw/scan.up1"
    assert (scan_of(app).samples, scan_of(app).maps) == (place, (place,))


def test_what_cannot_be_used_is_reported_and_the_others_kept(browse, put: Put, scan: bytes) -> None:
    put("mixed/scan.h5", scan)
    put("mixed/damaged.h5", scan[:300])
    app = choose(browse("mixed/"), "scan.h5", "damaged.h5")
    button(app, "Open 2 objects").click().run()
    app = until_arrived(app)
    assert scan_of(app).samples == f"s3:{BUCKET}/mixed/scan.h5"
    assert "damaged.h5" in texts(app.error).replace("\\", "")


def test_an_object_removed_meanwhile_is_reported(browse, put: Put, remove, scan: bytes) -> None:
    put("gone/scan.h5", scan)
    put("gone/other.h5", scan)
    app = choose(browse("gone/"), "scan.h5")
    remove("gone/scan.h5")
    button(app, "Open").click().run()
    app = until_arrived(app)
    message = texts(app.error).replace("\\", "")
    assert f"There is no object at s3://{BUCKET}/gone/scan.h5" in message
    assert "other.h5" in message
    assert scan_of(app).is_demo


def test_a_scan_comes_by_its_url_and_a_replaced_object_is_noticed(
    set_up, put: Put, open_page: OpenPage, tmp_path: Path
) -> None:
    place, app = f"s3:{BUCKET}/url/scan.h5", None
    for count in (6, 8):
        coords = full_grid(count, 5)
        put(
            "url/scan.h5",
            write_kikuchi(tmp_path / "new.h5", coords, patterns(len(coords))).read_bytes(),
        )
        s3.look_again()  # as after some seconds
        with pytest.raises(InputError, match="is not on this server"):
            places.resolve(place)
        app = open_page(samples=place) if app is None else app.run()
        app = until_arrived(app)
        assert not app.error
        assert not app.exception
        assert scan_of(app).samples == place
        shown = {
            str(name): str(value).replace("\\", "")
            for table in app.table
            for name, value in table.value.itertuples(index=False)
        }
        assert shown["patterns"] == str(5 * count)


def test_a_url_of_another_bucket_or_a_removed_object_shows_no_other(
    set_up, open_page: OpenPage
) -> None:
    app = open_page(samples="s3:secret/scan.h5")
    assert "no bucket that this server offers" in texts(app.warning).replace("\\", "")
    app = open_page(samples=f"s3:{BUCKET}/never/there.h5")
    assert "There is no object at" in texts(app.warning).replace("\\", "")
    assert scan_of(app).is_empty


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("AWS_ACCESS_KEY_ID", "doesn't know the server's access key"),
        ("AWS_SECRET_ACCESS_KEY", "secret key is wrong"),
    ],
)
def test_wrong_credentials_are_reported_without_them(
    set_up, open_page: OpenPage, setting: str, message: str
) -> None:
    set_up(**{setting: "AKIAWRONGWRONGWRONG1"})
    app = open_page()
    app.session_state["data_open"] = TAB
    app.run()
    shown = texts(app.error).replace("\\", "")
    assert message in shown
    assert "WRONG" not in shown
    assert not app.exception


def test_a_missing_bucket_and_a_silent_service_are_reported(set_up, open_page: OpenPage) -> None:
    set_up(LATENT_S3_BUCKETS="nowhere")
    app = open_page()
    app.session_state["data_open"] = TAB
    assert "no bucket 'nowhere'" in texts(app.run().error).replace("\\", "")
    set_up(LATENT_S3_ENDPOINT="http://127.0.0.1:9")
    button(app, "Try again").click().run()
    assert "doesn't answer" in texts(app.error).replace("\\", "")


def test_two_who_want_one_object_share_it_and_the_last_to_cancel_stops_it(
    monkeypatch: pytest.MonkeyPatch, set_up
) -> None:
    begun, calls = threading.Event(), []

    def counted(location, progress):
        calls.append(location)
        while True:
            begun.set()
            progress.step(len(calls), 10, "downloading")
            time.sleep(0.01)

    monkeypatch.setattr(downloads, "fetch", counted)
    shared = downloads.Downloads()
    place = f"s3:{BUCKET}/x.h5"
    first, second = shared.want(place, "one"), shared.want(place, "two")
    assert first is second
    assert begun.wait(10)
    shared.give_up(first, "one")
    time.sleep(0.1)
    assert not first.ended
    shared.give_up(first, "two")
    end = time.monotonic() + 10
    while not first.ended and time.monotonic() < end:
        time.sleep(0.01)
    assert first.ended
    assert first.error is None
    assert len(calls) == 1
    assert shared.want(place, "three") is not first
    shared.close()


def test_a_cancelled_download_is_no_error_and_leaves_the_scan(
    browse, put: Put, scan: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("slow/scan.h5", scan)

    monkeypatch.setattr(downloads, "fetch", endless)
    app = choose(browse("slow/"), "scan.h5")
    button(app, "Open").click().run()
    assert button(app, "Open").disabled
    app = until_arrived(button(app, "Cancel").click().run())
    assert not app.error
    assert not app.success
    assert scan_of(app).is_demo


def test_who_cancels_the_scan_of_a_url_sees_no_other(
    set_up, put: Put, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("slow/scan.h5", b"content")

    monkeypatch.setattr(downloads, "fetch", endless)
    app = open_page(samples=f"s3:{BUCKET}/slow/scan.h5")
    assert not app.title  # no page is drawn of a scan that is not there yet
    app = until_arrived(button(app, "Cancel").click().run())
    assert "its download was cancelled" in texts(app.warning)
    assert app.title
    assert scan_of(app).is_empty
