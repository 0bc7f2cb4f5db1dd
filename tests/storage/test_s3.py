"""Objects on S3, against a server that asks for credentials."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from latentcore.errors import Cancelled, InputError, StorageError
from latentcore.progress import Progress
from latentcore.readers import open_samples, recognize_all
from latentcore.settings import settings
from latentcore.storage import S3Location, is_remote, local_path, remote_of
from latentcore.storage._upload_notes import UploadNote
from latentcore.storage.cache import cache_folder, copy_of
from latentcore.storage.checksums import composite_md5
from latentcore.storage.download import fetch
from latentcore.storage.objects import buckets, list_page, version_of
from latentcore.storage.pins import pinned, pinned_path
from latentcore.storage.remote_file import RemoteFile
from latentcore.storage.upload import upload
from tests.factories.ebsd import flat_images, write_edax
from tests.factories.kikuchi import full_grid
from tests.factories.pattern_files import write_up
from tests.storage.conftest import BUCKET
from tests.storage.server import Line, Server

MB = 1 << 20
NOBODY = "http://127.0.0.1:9"

pytestmark = pytest.mark.usefixtures("configure")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(server: Server, key: str, content: bytes) -> S3Location:
    server.client.put_object(Bucket=BUCKET, Key=key, Body=content)
    return S3Location(BUCKET, key)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\\", exclude_categories=("C", "Z")))
)
def test_locations_survive_being_written(key: str) -> None:
    if len(key.encode()) <= 1024:
        assert remote_of(str(S3Location("some-bucket", key))) == S3Location("some-bucket", key)


@pytest.mark.parametrize("text", ["s3://", "s3:///key", "s3://a/b", "s3://bu cket/x", "http://x/y"])
def test_what_names_no_object_is_refused(text: str) -> None:
    assert is_remote(text)
    with pytest.raises(InputError):
        remote_of(text)


def test_250_objects_come_in_pages(server: Server) -> None:
    for number in range(250):
        put(server, f"paged/{number:03}.h5", b"x" * number)
    put(server, "paged/below/one.h5", b"x")
    below = S3Location(BUCKET, "paged/")
    found, more, pages = [], "", 0
    while more or not pages:
        page = list_page(below, more=more, limit=100)
        found += page.entries
        more, pages = page.more, pages + 1
    assert pages == 3
    names = [entry.location.name for entry in found if not entry.is_prefix]
    assert names == [f"{number:03}.h5" for number in range(250)]
    assert [entry.size for entry in found if not entry.is_prefix] == list(range(250))
    assert [str(entry.location) for entry in found if entry.is_prefix] == [
        "s3://scans/paged/below/"
    ]
    filtered = list_page(below, start="02").entries
    assert [entry.location.name for entry in filtered] == [f"02{n}.h5" for n in range(10)]
    assert all(entry.modified is not None for entry in filtered)


def test_buckets_are_those_of_the_settings(configure: Callable[..., None]) -> None:
    assert BUCKET in buckets()
    configure(LATENT_S3_BUCKETS="one, two")
    assert buckets() == ("one", "two")


def test_200_megabytes_go_there_and_back(server: Server, tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(200 * MB + 17)
    path = tmp_path / "large.h5"
    path.write_bytes(content)
    steps: list[tuple[int, int]] = []
    progress = Progress(lambda done, total, message: steps.append((done, total)))
    stored = upload(path, S3Location(BUCKET, "there/large.h5"), progress)
    assert stored.sha256 == sha256(content)
    assert stored.etag == composite_md5(path, 16 * MB)
    assert steps[-1] == (len(content), len(content))
    there = server.client.get_object(Bucket=BUCKET, Key="there/large.h5")["Body"].read()
    assert sha256(there) == sha256(content)
    back = local_path("s3://scans/there/large.h5")
    assert back.name == "large.h5"
    assert sha256(back.read_bytes()) == sha256(content)


def test_same_content_is_not_uploaded_again(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "once.csv"
    path.write_bytes(b"x,y\n" * MB)
    location = S3Location(BUCKET, "once.csv")
    first = upload(path, location)
    before = line.carried
    assert upload(path, location) == first
    assert line.carried - before < 10_000
    path.write_bytes(b"y,x\n" * MB)
    assert upload(path, location).sha256 != first.sha256


def test_copy_is_used_again_until_the_object_changes(server: Server, line: Line) -> None:
    location = put(server, "changing.h5", b"a" * 3 * MB)
    first = fetch(location)
    before = line.carried
    assert fetch(location) == first
    assert line.carried - before < 10_000
    put(server, "changing.h5", b"b" * 3 * MB)
    second = fetch(location)
    assert second != first
    assert second.read_bytes() == b"b" * 3 * MB
    assert first.read_bytes() == b"a" * 3 * MB


def test_download_goes_on_where_the_line_was_cut(server: Server, line: Line) -> None:
    content = np.random.default_rng(1).bytes(24 * MB)
    location = put(server, "cut-down.h5", content)
    line.cut_after(9 * MB)
    assert fetch(location).read_bytes() == content
    assert line.cuts == 1
    # What had arrived before the cut was not fetched again, but for what was in the pipes.
    assert line.carried < 24 * MB + 8 * MB


def test_upload_goes_on_where_the_line_was_cut(server: Server, line: Line, tmp_path: Path) -> None:
    content = np.random.default_rng(2).bytes(64 * MB)
    path = tmp_path / "cut-up.h5"
    path.write_bytes(content)
    line.cut_after(40 * MB)
    upload(path, S3Location(BUCKET, "cut-up.h5"))
    assert line.cuts == 1
    assert line.carried < 64 * MB + 24 * MB  # at most the part that was on its way went twice
    found = server.client.get_object(Bucket=BUCKET, Key="cut-up.h5")["Body"].read()
    assert sha256(found) == sha256(content)


def test_cancelled_transfers_are_continued_by_the_next(
    server: Server, line: Line, tmp_path: Path
) -> None:
    content = np.random.default_rng(3).bytes(48 * MB)
    path = tmp_path / "patient.h5"
    path.write_bytes(content)
    location = S3Location(BUCKET, "patient.h5")
    with pytest.raises(Cancelled):
        upload(path, location, cancelled_after(16 * MB))
    before = line.carried
    upload(path, location)
    assert line.carried - before < 33 * MB
    with pytest.raises(Cancelled):
        fetch(location, cancelled_after(20 * MB))
    assert not copy_of(version_of(location)).exists()
    before = line.carried
    assert fetch(location).read_bytes() == content
    assert line.carried - before < 29 * MB


def test_upload_killed_when_all_was_there_leaves_nothing_after_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "done.h5"
    path.write_bytes(b"a" * 20 * MB)
    notes = settings().workspace / "cache" / "uploads"
    with monkeypatch.context() as killed:
        killed.setattr(UploadNote, "remove", lambda _: None)
        upload(path, S3Location(BUCKET, "done.h5"))
    assert [note for note in notes.iterdir() if note.suffix != ".lock"]
    upload(path, S3Location(BUCKET, "done.h5"))
    assert not [note for note in notes.iterdir() if note.suffix != ".lock"]


@pytest.mark.parametrize("last", [KeyboardInterrupt, EndpointConnectionError(endpoint_url="s3")])
def test_upload_that_never_heard_its_id_is_found_by_the_next(
    last: BaseException | type[BaseException],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path, location = tmp_path / "unheard.h5", S3Location(BUCKET, f"{tmp_path.name}.h5")
    path.write_bytes(b"u" * 20 * MB)
    write = UploadNote.write
    calls = []

    def unheard(note: UploadNote, upload_id: str) -> None:
        calls.append(upload_id)
        if len(calls) == 1:
            raise last
        write(note, upload_id)

    monkeypatch.setattr(UploadNote, "write", unheard)
    with contextlib.suppress(KeyboardInterrupt):
        upload(path, location)
    assert upload(path, location).sha256 == sha256(b"u" * 20 * MB)
    assert len(calls) == 2
    assert calls[0] == calls[1]
    assert not server.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def cancelled_after(limit: int) -> Progress:
    def step(done: int, total: int, message: str) -> None:
        if done >= limit:
            progress.cancel()

    progress = Progress(step)
    return progress


def test_upload_of_other_content_does_not_take_over_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    location = S3Location(BUCKET, "other.h5")
    path.write_bytes(b"a" * 40 * MB)
    with pytest.raises(Cancelled):
        upload(path, location, cancelled_after(16 * MB))
    path.write_bytes(b"b" * 40 * MB)
    assert upload(path, location).sha256 == sha256(b"b" * 40 * MB)


def test_damaged_copy_is_thrown_away(server: Server) -> None:
    location = put(server, "damaged.h5", b"c" * 2 * MB)
    copy = copy_of(version_of(location))
    copy.parent.mkdir(parents=True)
    (copy.parent / ".partial").write_bytes(b"z" * MB)  # what a broken disk might leave
    with pytest.raises(StorageError, match="another MD5"):
        fetch(location)
    assert fetch(location).read_bytes() == b"c" * 2 * MB


def test_damage_in_parts_is_found_too(server: Server, tmp_path: Path) -> None:
    upload_in_parts(server, "parts.h5", b"d" * 12 * MB, 5 * MB)
    location = S3Location(BUCKET, "parts.h5")
    assert version_of(location).etag.endswith("-3")
    copy = copy_of(version_of(location))
    copy.parent.mkdir(parents=True)
    (copy.parent / ".partial").write_bytes(b"z" * MB)
    with pytest.raises(StorageError, match="other MD5s of its parts"):
        fetch(location)
    assert fetch(location).read_bytes() == b"d" * 12 * MB


def upload_in_parts(server: Server, key: str, content: bytes, size: int) -> None:
    place = {"Bucket": BUCKET, "Key": key}
    upload_id = server.client.create_multipart_upload(**place)["UploadId"]
    tags = []
    for number, start in enumerate(range(0, len(content), size), start=1):
        answer = server.client.upload_part(
            **place, UploadId=upload_id, PartNumber=number, Body=content[start : start + size]
        )
        tags.append({"PartNumber": number, "ETag": answer["ETag"]})
    server.client.complete_multipart_upload(
        **place, UploadId=upload_id, MultipartUpload={"Parts": tags}
    )


def test_object_replaced_during_the_download_is_fetched_anew(server: Server) -> None:
    location = put(server, "replaced.h5", b"e" * 4 * MB)
    replaced = []

    def step(done: int, total: int, message: str) -> None:
        if not replaced and done >= 2 * MB:
            replaced.append(put(server, "replaced.h5", b"f" * 3 * MB))
            raise ConnectionResetError  # so that the rest is asked for again

    assert fetch(location, Progress(step)).read_bytes() == b"f" * 3 * MB


def test_task_keeps_to_one_version(server: Server) -> None:
    location = put(server, "pinned.h5", b"old")
    with pinned([location], Progress()):
        put(server, "pinned.h5", b"new")
        with pinned([location], Progress()):
            assert pinned_path(location).read_bytes() == b"old"
        assert local_path(str(location)).read_bytes() == b"old"
    assert local_path(str(location)).read_bytes() == b"new"


def test_full_cache_loses_what_was_unused_for_longest(
    server: Server, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentcore.storage.cache.GIGABYTE", MB)
    configure(LATENT_CACHE_GB="5")
    places = [put(server, f"cached/{name}", name.encode() * 2 * MB) for name in "ab"]
    copies = [fetch(place) for place in places]
    for age, copy in zip((50, 100), copies, strict=True):
        os.utime(copy.parent, (age, age))
    fetch(places[0])
    third = fetch(put(server, "cached/c", b"c" * 2 * MB))
    assert [copy.exists() for copy in (*copies, third)] == [True, False, True]
    with pytest.raises(StorageError, match="LATENT_CACHE_GB"):
        fetch(put(server, "cached/d", b"d" * 6 * MB))
    held = sum(file.stat().st_size for file in cache_folder().rglob("*") if file.is_file())
    assert held <= 5 * MB


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAWRONGWRONGWRONG0"}, "doesn't know the server's access key"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong/secret"}, "secret key is wrong"),
        (
            {"LATENT_S3_ENDPOINT": "http://127.0.0.1:9", "LATENT_S3_PATIENCE_S": "1"},
            "doesn't answer",
        ),
    ],
)
def test_wrong_access_is_reported_without_any_secret(
    server: Server, configure: Callable[..., None], changes: dict[str, str], said: str
) -> None:
    location = put(server, "secret.h5", b"g")
    configure(**changes)
    for action in (fetch, version_of, lambda place: list_page(S3Location(place.bucket))):
        with pytest.raises(StorageError, match=said) as caught:
            action(location)
        text = str(caught.value)
        for secret in (server.key, server.secret, "AKIAWRONG", "wrong/secret"):
            assert secret not in text


def test_no_credentials_are_reported(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(
        AWS_CONFIG_FILE=str(tmp_path / "none"),
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "none"),
        AWS_EC2_METADATA_DISABLED="true",
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageError, match="no S3 credentials"):
        fetch(S3Location(BUCKET, "any.h5"))


def test_missing_things_are_named_with_what_is_there(server: Server) -> None:
    put(server, "near/there.h5", b"h")
    with pytest.raises(StorageError, match=r"no object at s3://scans/near/gone.h5.*there\.h5"):
        local_path("s3://scans/near/gone.h5")
    with pytest.raises(StorageError, match="no bucket 'nowhere'"):
        local_path("s3://nowhere/gone.h5")
    with pytest.raises(StorageError, match="names no object"):
        local_path("s3://scans/near/")
    path = Path(__file__)
    with pytest.raises(StorageError, match="no bucket 'nowhere'"):
        upload(path, S3Location("nowhere", "x"))
    with pytest.raises(StorageError, match=r"'\.zspy' folder is many objects"):
        local_path("s3://scans/near/scan.zspy/")


def test_remote_hdf5_is_looked_into_by_ranges(server: Server) -> None:
    buffer = io.BytesIO()
    images = np.random.default_rng(4).integers(0, 255, (4000, 60, 60), np.uint8)
    with h5py.File(buffer, "w") as file:
        file.create_dataset("images", data=images, chunks=(1, 60, 60))
    location = put(server, "remote.h5", buffer.getvalue())
    with RemoteFile(location) as remote:
        with h5py.File(remote, "r") as file:
            assert file["images"].shape == images.shape
            np.testing.assert_array_equal(file["images"][3998], images[3998])
        assert remote.bytes_read < 0.4 * remote.version.size


def test_remote_file_reads_as_a_local_one(server: Server) -> None:
    content = np.random.default_rng(5).bytes(3 * MB + 5)
    remote = io.BufferedReader(RemoteFile(put(server, "seek.bin", content)), 4096)
    for start, size in ((0, 10), (MB - 3, 7), (3 * MB, 50), (2 * MB, 2 * MB), (5 * MB, 1)):
        remote.seek(start)
        assert remote.read(size) == content[start : start + size]
    remote.seek(-4, io.SEEK_END)
    assert remote.read() == content[-4:]


def test_remote_file_notices_a_new_version(server: Server) -> None:
    location = put(server, "moving.bin", b"i" * 2 * MB)
    remote = RemoteFile(location)
    assert remote.read(3) == b"iii"
    put(server, "moving.bin", b"j" * 2 * MB)
    remote.seek(MB + 1)
    with pytest.raises(StorageError, match="changed while it was read"):
        remote.read(3)


def test_companions_of_an_object_are_fetched_and_renewed(server: Server, tmp_path: Path) -> None:
    client = server.client
    coords, values = full_grid(6, 5), np.arange(1, 31)
    images = flat_images(values)
    patterns = write_up(tmp_path / "scan.up1", images, version=1)
    maps = write_edax(tmp_path / "scan.h5", coords, None, values)
    for path in (patterns, maps):
        client.put_object(Bucket=BUCKET, Key=f"pairs/{path.name}", Body=path.read_bytes())
    url = f"s3://{BUCKET}/pairs/scan.up1"
    assert set(recognize_all(url)) == {"samples", "maps"}
    with open_samples(url) as samples:
        assert samples.grid is not None
        before = samples.fingerprint()
    write_edax(maps, coords, None, values + 1)
    client.put_object(Bucket=BUCKET, Key="pairs/scan.h5", Body=maps.read_bytes())
    with open_samples(url) as samples:
        assert samples.fingerprint() != before
    client.delete_object(Bucket=BUCKET, Key="pairs/scan.h5")
    assert [entry.name for entry in local_path(url).parent.glob("*.h5")] == []
