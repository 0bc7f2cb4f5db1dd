from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentcore.errors import InputError
from pages.access import folders, places, uploads


class Upload(io.BytesIO):
    def __init__(self, content: bytes, name: str = "scan.h5") -> None:
        super().__init__(content)
        self.name = name


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    return path


PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "/", "\\", "~", "%2e%2e", "..%2f", "\0", "secret.txt", "measured", "demo"]
    ),
    st.text(max_size=12),
)


@given(
    scheme=st.sampled_from(
        ["demo", "upload", "folder", "run", "s3", "", "file", "folder:measured"]
    ),
    parts=st.lists(PARTS, max_size=6),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_resolves_outside_of_what_may_be_read(
    workspace: Path, data_root: Path, secret: Path, scheme: str, parts: list[str]
) -> None:
    (data_root / "inside.csv").touch()
    try:
        path = places.resolve(f"{scheme}:{'/'.join(parts)}")
    except InputError:
        return
    assert any(path.is_relative_to(root) for root in (workspace, data_root))


@pytest.mark.parametrize(
    "place",
    [
        "folder:measured/../secret.txt",
        "folder:measured//etc/passwd",
        "folder:measured/link.txt",
        "folder:measured/link/secret.txt",
        "folder:measured/loop",
        "folder:measured/.hidden",
        "demo:../../secret.txt",
        "demo:a/b",
        "upload:..",
        "upload:../secret.txt",
        "run:x",
        "/etc/passwd",
        "folder:measured/a\0b",
        "folder:measured/" + "x" * 400,
        "x" * 5000,
        "",
        "s3:",
        "s3:scans",
        "s3:scans/",
        "s3:scans/folder/",
        "s3:scans/..",
        "s3:scans/a/.hidden",
        "s3:scans/a\\b",
        "s3:scans/a\nb",
        "s3:scans/a:b.h5",
        "s3:scans/" + "x" * 300,
        "s3:scans/" + "x/" * 1000 + "y",
        "s3:../scans/x.h5",
    ],
)
def test_ways_out_are_refused(
    workspace: Path, data_root: Path, secret: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_S3_BUCKETS", "scans")
    places.settings.cache_clear()
    (data_root / "link.txt").symlink_to(secret)
    (data_root / "link").symlink_to(secret.parent)
    (data_root / "loop").symlink_to("loop")
    (data_root / ".hidden").touch()
    with pytest.raises(InputError, match=r"no place that this server may read|no object that this"):
        places.resolve(place)


def test_a_link_that_stays_inside_is_followed(workspace: Path, data_root: Path) -> None:
    (data_root / "scan.h5").touch()
    (data_root / "latest.h5").symlink_to("scan.h5")
    assert places.resolve("folder:measured/latest.h5") == data_root / "scan.h5"


def test_an_unknown_root_names_those_there_are(workspace: Path) -> None:
    with pytest.raises(InputError, match="There are: measured"):
        places.resolve("folder:elsewhere/x.h5")


def test_a_file_that_is_gone_says_so(workspace: Path) -> None:
    with pytest.raises(InputError, match=r"any more.*Data page"):
        places.resolve("folder:measured/gone.h5")


def test_place_of_is_the_inverse_of_resolve(workspace: Path, data_root: Path, demo: Path) -> None:
    (data_root / "sub").mkdir()
    (data_root / "sub" / "a b é.h5").touch()
    run = places.runs_folder() / "extract-1"
    run.mkdir(parents=True)
    (run / "x_latents.h5").touch()
    for place in (
        "demo:demo.h5",
        "folder:measured",
        "folder:measured/sub",
        "folder:measured/sub/a b é.h5",
        "run:extract-1/x_latents.h5",
        uploads.store_upload(Upload(b"content")),
    ):
        assert places.place_of(places.resolve(place)) == place
    with pytest.raises(InputError, match="lies outside"):
        places.place_of("/etc/passwd")


@pytest.fixture
def buckets(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_S3_BUCKETS", "scans, other")
    places.settings.cache_clear()


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("key", ["scan.h5", "a b/é/scan 1.h5", "a//b/../c.h5"])
def test_a_request_names_the_object_and_not_its_copy(key: str) -> None:
    place = f"s3:scans/{key}"
    assert places.location(place) == f"s3://scans/{key}"
    assert places.place_of(f"s3://scans/{key}") == place


@pytest.mark.usefixtures("buckets")
def test_only_the_offered_buckets_are_places() -> None:
    for ask in (places.resolve, places.location):
        with pytest.raises(InputError, match=r"no bucket that this server offers.*scans, other"):
            ask("s3:secret/scan.h5")
    with pytest.raises(InputError, match="no bucket that this server offers"):
        places.place_of("s3://secret/scan.h5")
    with pytest.raises(InputError, match="no object that this server can open"):
        places.place_of("https://scans/scan.h5")


def test_without_buckets_the_setting_is_named(workspace: Path) -> None:
    with pytest.raises(InputError, match="set LATENT_S3_BUCKETS"):
        places.location("s3:scans/scan.h5")


def test_the_location_of_a_file_is_its_path(workspace: Path, data_root: Path) -> None:
    (data_root / "scan.h5").touch()
    assert places.location("folder:measured/scan.h5") == str(data_root / "scan.h5")


@pytest.mark.usefixtures("buckets")
def test_labels_of_objects_say_where_they_lie() -> None:
    assert places.label("s3:scans/a/b/scan.h5") == "scan.h5 · scans/a/b"


def test_the_same_content_is_stored_once(workspace: Path) -> None:
    first = uploads.store_upload(Upload(b"content", "a.h5"))
    again = uploads.store_upload(Upload(b"content", "a.h5"))
    other = uploads.store_upload(Upload(b"content", "b.h5"))
    assert first == again
    assert other.endswith("/b.h5")
    assert places.resolve(first).samefile(places.resolve(other))
    assert places.resolve(other).read_bytes() == b"content"
    assert uploads.store_upload(Upload(b"different", "a.h5")) != first


def test_an_upload_removes_what_a_killed_server_left_of_another(workspace: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    uploads.store_upload(Upload(b"content"))
    (places.uploads_folder() / f".0123.{gone.pid}.tmp").touch()
    uploads.store_upload(Upload(b"content"))
    assert not list(places.uploads_folder().glob(".*"))


def test_two_uploads_of_one_file_at_once_both_succeed(workspace: Path) -> None:
    content = os.urandom(3_000_000)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(uploads.store_upload(Upload(content))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert places.resolve(found[0]).read_bytes() == content
    assert not list(places.uploads_folder().glob(".*"))


@given(name=st.text(max_size=300))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_becomes_a_place_that_resolves(workspace: Path, name: str) -> None:
    place = uploads.store_upload(Upload(b"content", name))
    assert places.resolve(place).read_bytes() == b"content"
    assert places.label(place)


def test_suffixes_survive_a_long_name(workspace: Path) -> None:
    assert uploads.store_upload(Upload(b"x", "n" * 400 + ".csv.gz")).endswith(".csv.gz")


def test_uploads_have_bounds(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is empty"):
        uploads.store_upload(Upload(b""))
    monkeypatch.setenv("LATENT_MAX_UPLOAD_MB", "1")
    places.settings.cache_clear()
    with pytest.raises(InputError, match=r"larger than 1 MB.*server folder"):
        uploads.store_upload(Upload(bytes(1_000_001)))
    assert not list(places.uploads_folder().iterdir())


def test_old_uploads_make_room_and_new_ones_stay(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_MAX_UPLOAD_MB", "1")
    monkeypatch.setattr(uploads, "_UPLOADS_KEPT", 2)
    places.settings.cache_clear()
    first, second = (uploads.store_upload(Upload(os.urandom(900_000))) for _ in range(2))
    with pytest.raises(InputError, match="Uploads of the last day already take"):
        uploads.store_upload(Upload(os.urandom(900_000)))
    os.utime(places.resolve(first).parent, (0, 0))
    third = uploads.store_upload(Upload(os.urandom(900_000)))
    assert places.resolve(second).exists()
    assert places.resolve(third).exists()
    with pytest.raises(InputError, match="any more"):
        places.resolve(first)


def test_a_full_disk_is_reported(workspace: Path) -> None:
    class NoSpace(Upload):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match="disk is full"):
        uploads.store_upload(NoSpace(b"x"))
    assert not list(places.uploads_folder().iterdir())


def test_a_listing_shows_folders_first_and_no_way_out(
    workspace: Path, data_root: Path, secret: Path
) -> None:
    (data_root / "b.h5").write_bytes(b"12345")
    (data_root / "a").mkdir()
    (data_root / ".hidden").touch()
    (data_root / "out").symlink_to(secret)
    (data_root / "c.zspy").mkdir()
    (data_root / "c.zspy" / "0").write_bytes(b"123")
    listing = folders.list_folder("folder:measured")
    assert [(entry.name, entry.is_folder, entry.size) for entry in listing.entries] == [
        ("a", True, 0),
        ("b.h5", False, 5),
        ("c.zspy", False, 3),  # a folder that is a scan by itself
    ]
    assert listing.left_out == 0
    with pytest.raises(InputError, match="no server folder"):
        folders.list_folder("folder:measured/b.h5")


def test_a_listing_is_bounded(workspace: Path, data_root: Path) -> None:
    for number in range(510):
        (data_root / f"{number:03}").touch()
    listing = folders.list_folder("folder:measured")
    assert (len(listing.entries), listing.left_out) == (500, 10)


def test_two_roots_of_one_name_are_distinguished(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [tmp_path / side / "scans" for side in ("left", "right")]
    for root in roots:
        root.mkdir(parents=True)
    monkeypatch.setenv("LATENT_DATA_ROOTS", ":".join(map(str, roots)))
    places.settings.cache_clear()
    assert places.roots() == {"scans": roots[0], "scans-2": roots[1]}


@pytest.fixture
def opened(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of which a scan and a folder of pictures were opened, and nothing else."""
    folder = tmp_path / "mine"
    (folder / "pictures").mkdir(parents=True)
    for name in ("scan.h5", "secret.h5", "pictures/a.png"):
        (folder / name).touch()
    named = json.dumps([str(folder / "scan.h5"), str(folder / "pictures")])
    monkeypatch.setenv("LATENT_OPENED_FILES", named)
    places.settings.cache_clear()
    return folder


def test_opened_files_can_be_read(opened: Path) -> None:
    assert places.opened_places() == ("opened:scan.h5", "opened:pictures")
    for place, inside in [
        ("opened:scan.h5", "scan.h5"),
        ("opened:pictures", "pictures"),
        ("opened:pictures/a.png", "pictures/a.png"),
    ]:
        assert places.resolve(place) == opened / inside
        assert places.place_of(opened / inside) == place


@pytest.mark.parametrize(
    "place",
    [
        "opened:secret.h5",
        "opened:",
        "opened:..",
        "opened:scan.h5/../secret.h5",
        "opened:pictures/../secret.h5",
        "opened:pictures/link.png",
        "opened:scan.h5/secret.h5",
        "opened:mine/secret.h5",
    ],
)
def test_nothing_beside_opened_files_can_be_read(opened: Path, place: str) -> None:
    (opened / "pictures" / "link.png").symlink_to(opened / "secret.h5")
    with pytest.raises(InputError):
        places.resolve(place)
    with pytest.raises(InputError):
        places.place_of(opened / "secret.h5")


def test_an_opened_file_that_became_a_link_is_refused(opened: Path) -> None:
    (opened / "scan.h5").unlink()
    (opened / "scan.h5").symlink_to("secret.h5")
    with pytest.raises(InputError, match="no place"):
        places.resolve("opened:scan.h5")


def test_opened_files_of_one_name_stay_apart(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name / ".scan.h5" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.touch()
    monkeypatch.setenv("LATENT_OPENED_FILES", json.dumps([str(path) for path in paths]))
    places.settings.cache_clear()
    assert [places.resolve(place) for place in places.opened_places()] == paths
