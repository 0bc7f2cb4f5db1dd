"""What somebody who is signed in might try to get at what isn't theirs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from pathlib import Path

import pytest
from starlette.requests import Request

import latentcore.readers
from latentcore.errors import InputError
from latentcore.jobs import JobRecord, request_from
from latentcore.readers import FILE_OPTIONS
from latentcore.settings import settings
from latentcore.storage.companions import companions
from latentcore.workflows import VERBS
from pages.access import claims, identity, locations, places, uploads
from pages.access.folders import list_folder
from pages.access.uploads import delete_upload
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from pages.panels import routes
from pages.panels.array_store import array_store
from pages.people.fragments import fragment
from pages.results import run_files
from pages.results.run_details import _submit
from pages.results.run_list import entries
from pages.view.known_spaces import _fitted_spaces
from tests.jobs.child.toy_verbs import ToyRequest
from tests.pages.people import (
    ANNA,
    BERT,
    OLGA,
    PATIENCE,
    Person,
    bring,
    extraction,
    latents_of,
    open_page,
    text_of,
)

MAP = b"x,y,Fe\n0,0,1\n"


@pytest.mark.parametrize("option", sorted(FILE_OPTIONS))
def test_no_option_of_a_place_names_a_file(person: Person, option: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(MAP)
    mine = bring("b.csv", MAP)
    for place in (mine, "folder:data/scan.h5", "folder:data/not-there.h5", "s3:any/b.h5"):
        asked = f"{place}@{option}={secret}"
        for look in (places.resolve, places.check, places.check_owner, places.location):
            with pytest.raises(InputError, match="names another file"):
                look(asked)
    with pytest.raises(InputError, match="names another file"):
        locations.check_file(f"{places.local_location(mine)}@{option}={secret}", ["/any"])
    assert "names another file" in text_of(open_page("data", maps=f"{mine}@{option}={secret}"))


def test_the_options_that_name_files_are_known() -> None:
    folder = Path(latentcore.readers.__file__).parent
    opened = [
        found
        for path in folder.rglob("*.py")
        for found in re.findall(
            r"local_path\(\s*str\((?:\w+\.)*options(?:\[|\.get\()\"(\w+)\"", path.read_text("utf-8")
        )
    ]
    assert opened, "readers open no file that an option names: this test looks for the wrong text"
    assert set(opened) <= FILE_OPTIONS


def test_a_closed_folder_stays_closed_below_an_open_one(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    [data] = settings().data_roots
    bring("mine.csv", MAP)
    for name in ("metals", "metals/open"):
        (data / name).mkdir()
        (data / name / "map.csv").write_bytes(MAP)
    roots = (data, data / "metals", data / "metals/open", settings().workspace.parent)
    monkeypatch.setenv("LATENT_DATA_ROOTS", os.pathsep.join(map(str, roots)))
    monkeypatch.setenv("LATENT_ROOT_GROUPS", '{"metals": ["materials"]}')
    settings.cache_clear()
    (data / "link").symlink_to(data / "metals/map.csv")
    around = settings().workspace.parent.name
    for place in (
        "folder:data/metals/map.csv",
        "folder:metals/map.csv",
        f"folder:{around}/data/metals/map.csv",
        f"folder:{around}/{settings().workspace.name}",
    ):
        with pytest.raises(InputError, match=r"no place|names no folder"):
            places.resolve(place)
    assert [entry.name for entry in list_folder("folder:data").entries] == ["scan.h5"]
    with pytest.raises(InputError, match="can't be read as a whole"):
        places.resolve("folder:data")
    # What the operator opens in a closed folder is open, by whichever way.
    for place in ("folder:open/map.csv", "folder:data/metals/open/map.csv"):
        assert places.resolve(place) == data / "metals/open/map.csv"
    person.user = identity.User("mia@lab.org", frozenset({"materials"}))
    assert places.resolve("folder:data/metals/map.csv").is_file()
    assert places.resolve("folder:data").is_dir()


def test_a_link_beside_patterns_leads_nowhere(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    scan, secret = tmp_path / "ours/x.up2", tmp_path / "theirs/secret.ctf"
    for file in (scan, secret):
        file.write_bytes(b"")
    (tmp_path / "ours/x.ctf").symlink_to(secret)
    assert companions(scan) == ()
    (tmp_path / "ours/x.ang").write_bytes(b"")
    assert companions(scan) == (tmp_path / "ours/x.ang",)
    # Files that were put together by links are what somebody has chosen.
    linked = tmp_path / "theirs/x.up2"
    linked.symlink_to(scan)
    (tmp_path / "theirs/x.ctf").symlink_to(secret)
    assert companions(linked) == (tmp_path / "theirs/x.ctf",)


def test_a_batch_opens_no_samples_that_a_file_names(person: Person, annas: JobRecord) -> None:
    claims.share("run", annas.folder.name, claims.person(BERT.name), "read")
    person.user = BERT
    app = open_page("batch")
    app.selectbox(key="batch.verb").set_value("search").run()
    app.button_group(key="batch.way.True").set_value("Lines of text").run()
    app.text_area(key="batch.lines").set_value(latents_of(annas)).run()
    app.number_input(key="batch.search.more.row").set_value(0).run()
    [start] = [one for one in app.button if one.label.startswith("Start ")]
    start.click().run()
    job = app.query_params["job"]
    record = runner().wait(job if isinstance(job, str) else job[0], PATIENCE)
    assert json.loads(record.request["options"])["samples"] == "none"


def test_an_operator_sees_no_content_of_a_job_by_its_address(person: Person, toys: None) -> None:
    job = runner().submit("toy-thread", ToyRequest("a", trouble="refuse"), title="Anna's").id
    assert "The number of steps" in runner().wait(job, PATIENCE).error
    assert "The number of steps" in text_of(open_page("extract", job=job))
    person.user = OLGA
    for page in ("extract", "train", "batch"):
        seen = text_of(open_page(page, job=job))
        assert "Anna's" in seen and "The number of steps" not in seen
    person.user = BERT
    assert "Anna's" not in text_of(open_page("extract", job=job))


def test_an_operator_does_not_get_the_weights_of_anothers_training(person: Person) -> None:
    request = VERBS.get("train").request(str(settings().data_roots[0] / "scan.h5"), epochs=10_000)
    job = runner().submit("train", request, title="Anna's").id
    weights = runner().get(job).folder.parent
    end = time.monotonic() + PATIENCE
    while not any(weights.glob(".*/scratch/checkpoint/model.safetensors")):
        assert time.monotonic() < end
        time.sleep(0.1)
    runner().cancel(job)
    assert runner().wait(job, PATIENCE).state == "cancelled"
    assert open_page("train", job=job).get("download_button")
    person.user = OLGA
    app = open_page("train", job=job)
    assert "Anna's" in text_of(app)
    assert not app.get("download_button")
    assert not [one for one in app.button if "Extract latents" in one.label]


def test_uploads_of_others_make_no_room(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_MAX_UPLOAD_MB", "1")
    monkeypatch.setattr(uploads, "_UPLOADS_KEPT", 1)
    settings.cache_clear()
    annas, nobodys = bring("a.bin", b"a" * 500_000), bring("n.bin", b"n" * 100_000)
    claims.forget(*claims.thing_at(nobodys))
    long_ago = time.time() - 10 * 86_400
    for place in (annas, nobodys):
        os.utime(places.uploads_folder() / claims.thing_at(place)[1], (long_ago, long_ago))
    person.user = BERT
    berts = bring("b.bin", b"b" * 450_000)
    assert not (places.uploads_folder() / claims.thing_at(nobodys)[1]).exists()
    with pytest.raises(InputError, match="of other people"):
        bring("c.bin", b"c" * 500_000)
    os.utime(places.uploads_folder() / claims.thing_at(berts)[1], (long_ago, long_ago))
    assert bring("c.bin", b"c" * 500_000), "in the place of what was his"
    person.user = ANNA
    assert places.resolve(annas).is_file()


def test_one_content_under_two_names_stays_until_both_are_deleted(person: Person) -> None:
    first, second = bring("a.bin", b"same"), bring("b.bin", b"same")
    delete_upload(first)
    assert places.resolve(second).read_bytes() == b"same"
    with pytest.raises(InputError, match="nothing at"):
        places.resolve(first)
    delete_upload(second)
    assert not (places.uploads_folder() / claims.thing_at(second)[1]).exists()
    assert not claims.of(*claims.thing_at(second)).owners


def test_what_was_opened_ends_with_the_share(
    person: Person, annas: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = bring("mine.h5", (settings().data_roots[0] / "scan.h5").read_bytes())
    record = extraction(places.location(mine))
    things = [("run", record.folder.name), claims.thing_at(mine)]

    def share(right: claims.Right | None) -> None:
        for kind, name in things:
            claims.share(kind, name, claims.person(BERT.name), right)

    share("read")
    person.user = BERT
    app = open_page("explore", samples=mine, latents=f"run:{record.folder.name}/mine_latents.h5")
    assert "You may not open" not in text_of(app)
    store = array_store()
    key = list(store._providers)[-1]
    monkeypatch.setattr(routes, "user_of", lambda request: person.user)

    def status(row: int) -> int:
        request = Request({"type": "http", "headers": [], "path_params": {"key": key, "row": row}})
        return asyncio.run(routes._for_users(routes._serve_pattern)(request)).status_code

    file = record.folder / "mine_latents.h5"
    download = run_files.when_asked(file.read_bytes, record.folder)
    assert (status(0), download()) == (200, file.read_bytes())
    person.user = ANNA
    share(None)
    person.user = BERT
    assert status(1) == 404
    with pytest.raises(InputError, match="You may not open"):
        download()


def test_names_of_jobs_stay_with_those_who_gave_them(person: Person, toys: None) -> None:
    request = ToyRequest("a", trouble="refuse")
    job = runner().submit("toy-thread", request, title="Anna's").id
    runner().wait(job, PATIENCE)
    person.user = BERT
    assert runner().submit("toy-thread", request, title="Bert's own").title == "Bert's own"
    runner().wait(job, PATIENCE)
    person.user = ANNA
    assert runner().get(job).title == "Anna's"
    runner().rerun(job)
    assert runner().wait(job, PATIENCE).title == "Anna's"
    person.user = BERT
    assert runner().get(job).title == "Bert's own"
    # Who asks again calls it as they do now.
    assert runner().submit("toy-thread", request, title="Another").title == "Another"
    runner().wait(job, PATIENCE)
    person.user = ANNA
    assert runner().get(job).title == "Anna's"


def test_of_a_job_that_comes_before_ones_own_no_more_is_said_than_a_list_says(
    person: Person, toys: None
) -> None:
    slow = ToyRequest("a", steps=1_000_000, pause=0.01)
    first = runner().submit("toy-thread", slow, title="Anna's")
    claims.share("run", first.folder.name, claims.BY_LINK, "read")
    while server_runner().get(first.id).message != "stepping":
        time.sleep(0.01)
    person.user = BERT
    own = runner().submit("toy-thread", ToyRequest("b")).id
    assert [one.title for one in runner().ahead(own)] == ["another user's job"]
    claims.share("run", first.folder.name, claims.person(BERT.name), "read")
    assert [one.title for one in runner().ahead(own)] == ["Anna's"]
    person.user = OLGA
    claims.share("run", first.folder.name, claims.BY_LINK, None)
    assert (runner().known(first.id).title, runner().known(first.id).message) == ("Anna's", "")
    for job in (own, first.id):
        runner().cancel(job)
    server_runner().wait(first.id, PATIENCE)


def test_embeddings_are_offered_to_those_who_have_them(person: Person, annas: JobRecord) -> None:
    request = VERBS.get("project").request(str(annas.folder / "scan_latents.h5"), method="pca")
    runner().wait(runner().submit("project", request, title="Anna's").id, PATIENCE)
    assert [title for _, title, *_ in _fitted_spaces(ANNA)] == ["Anna's"]
    person.user = BERT
    assert not _fitted_spaces(BERT)


def test_who_may_change_a_run_asks_for_nothing_that_is_closed_to_them(person: Person) -> None:
    mine = bring("mine.h5", (settings().data_roots[0] / "scan.h5").read_bytes())
    record = extraction(places.location(mine))
    claims.share("run", record.folder.name, claims.person(BERT.name), "write")
    runner().forget(record.id)  # its run stays
    claims.give("run", record.folder.name, ANNA.name)
    claims.share("run", record.folder.name, claims.person(BERT.name), "write")
    person.user = BERT
    [entry] = entries()
    _submit(entry, {"request": record.request, "inputs": [{"location": places_path(mine)}]})
    assert claims.access("run", record.folder.name) == "write"
    assert runner().find("extract", request_from("extract", record.request)) is None


def places_path(place: str) -> str:
    return str(places.uploads_folder() / place.removeprefix("upload:"))


def test_a_fragment_ends_with_the_login(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.fragment", lambda draw: draw)
    drawn: list[int] = []
    show = fragment(drawn.append)
    show(1)
    person.user = None
    with pytest.raises(identity.NotSignedInError):
        show(2)
    assert drawn == [1]
