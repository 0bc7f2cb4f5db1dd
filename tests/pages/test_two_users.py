"""Two users of one server, and its operator: whose runs are whose, on the pages."""

from __future__ import annotations

import numpy as np
import pytest
import streamlit as st

from latentcore.artifacts.run_label import RunLabel
from latentcore.errors import InputError, RequestError
from latentcore.jobs import JobRecord, request_from
from latentcore.readers import open_latents
from latentcore.settings import settings
from pages.access import claims, labels, locations, places, s3
from pages.access.identity import User
from pages.access.uploads import delete_upload
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from pages.regions import kept
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
    titles,
)


def test_nobody_gets_no_page(person: Person) -> None:
    person.user = None
    app = open_page()
    assert not app.title and not app.sidebar.selectbox
    assert "Nobody has told this server who you are" in text_of(app)


def test_another_users_run_is_neither_listed_nor_opened(person: Person, annas: JobRecord) -> None:
    assert titles(open_page()) == ["What Anna found"]
    assert "You may not open" not in text_of(open_page("explore", latents=latents_of(annas)))
    person.user = BERT
    app = open_page(run=annas.id)
    assert "What Anna found" not in text_of(app) and not titles(app)
    app = open_page("explore", latents=latents_of(annas))
    assert "You may not open" in text_of(app) and latents_of(annas) in text_of(app)
    app = open_page("extract", job=annas.id)
    assert "belongs to somebody who doesn't share it" in text_of(app)


def test_a_shared_run_is_opened_until_it_is_shared_no_more(
    person: Person, annas: JobRecord
) -> None:
    key = f"share_with_run_{annas.folder.name}"
    app = open_page(run=annas.id)
    app.text_input(key=f"{key}_name").set_value(BERT.name)
    app.button(key=f"{key}_now").click().run()
    assert f"{BERT.name} :small[:gray[may look at it]]" in text_of(app)
    person.user = BERT
    seen = open_page(run=annas.id)
    assert titles(seen) == ["What Anna found"]
    assert list(seen.dataframe[0].value["Whose"]) == [ANNA.name]
    assert "**scan_latents.h5**" in text_of(seen)
    labels = {button.label for button in seen.button}
    assert not {"Keep", "Delete for good", "Share"} & labels
    assert next(button for button in seen.button if button.label == "Run again").disabled
    opened = open_page("explore", latents=latents_of(annas))
    assert "You may not open" not in text_of(opened)
    person.user = ANNA
    app.button(key=f"unshare_run_{annas.folder.name}_0").click().run()
    person.user = BERT
    assert not titles(open_page(run=annas.id))
    opened.run()  # where it is in view already, it goes with the next look
    assert "You may not open" in text_of(opened)


def test_what_a_run_was_made_of_is_shared_with_it(person: Person) -> None:
    place = bring("mine.h5", (settings().data_roots[0] / "scan.h5").read_bytes())
    record = extraction(places.location(places.together({"mine.h5": place})))
    key = f"share_with_run_{record.folder.name}"
    app = open_page(run=record.id)
    app.selectbox(key=key).set_value(claims.EVERYBODY)
    app.segmented_control(key=f"{key}_right").set_value("write")
    app.button(key=f"{key}_now").click().run()
    person.user = BERT
    assert places.resolve(place).is_file()
    assert claims.access(*claims.thing_at(place)) == "read"
    assert claims.access("run", record.folder.name, listed=True) == "write"
    person.user = ANNA
    app.button(key=f"unshare_run_{record.folder.name}_0").click().run()
    person.user = BERT
    with pytest.raises(InputError, match="You may not open"):
        places.resolve(place)


def test_a_link_opens_what_no_list_shows(person: Person, annas: JobRecord) -> None:
    claims.share("run", annas.folder.name, claims.BY_LINK, "read")
    person.user = BERT
    assert not titles(open_page())
    assert titles(open_page(run=annas.id)) == ["What Anna found"]
    assert "You may not open" not in text_of(open_page("explore", latents=latents_of(annas)))


def test_a_group_that_may_change_a_run_names_it_but_does_not_delete_it(
    person: Person, annas: JobRecord
) -> None:
    claims.share("run", annas.folder.name, claims.group("metals"), "write")
    person.user = BERT
    app = open_page(run=annas.id)
    app.text_input(key=f"name_of_{annas.id}").set_value("Ours")
    next(button for button in app.button if button.label == "Keep").click().run()
    assert titles(app) == ["Ours"]
    with pytest.raises(RequestError, match="somebody else"):
        runner().forget(annas.id, delete_run=True)
    assert annas.folder.exists()


def test_who_asks_for_the_same_has_it_and_it_goes_with_the_last(
    person: Person, annas: JobRecord
) -> None:
    person.user = BERT
    request = request_from("extract", annas.request)
    assert runner().find("extract", request) is None
    assert runner().submit("extract", request).id == annas.id
    assert list(open_page(run=annas.id).dataframe[0].value["Whose"]) == [f"yours and {ANNA.name}'s"]
    person.user = ANNA
    app = open_page(run=annas.id)
    app.button(key=f"delete_{annas.id}").click().run()
    assert not titles(app) and annas.folder.exists()
    person.user = BERT
    runner().forget(annas.id, delete_run=True)
    assert not annas.folder.exists()


def test_each_who_asked_for_a_run_has_a_name_and_a_note_of_their_own(
    person: Person, annas: JobRecord
) -> None:
    labels.write(annas.folder, RunLabel("A secret", "of Anna's"))
    claims.share("run", annas.folder.name, claims.person(OLGA.name), "read")
    person.user = OLGA
    assert titles(open_page(run=annas.id)) == ["A secret"], "what is hers alone, as she calls it"
    person.user = BERT
    runner().submit("extract", request_from("extract", annas.request), title="PCA")
    assert titles(open_page(run=annas.id)) == ["PCA"]
    labels.write(annas.folder, RunLabel("Bert's"))
    assert titles(open_page(run=annas.id)) == ["Bert's"]
    person.user = OLGA
    assert titles(open_page(run=annas.id)) == ["What Anna found"]
    person.user = ANNA
    assert labels.read(annas.folder) == RunLabel("A secret", "of Anna's")
    labels.write(annas.folder, RunLabel())
    assert titles(open_page(run=annas.id)) == ["What Anna found"]


def test_who_cancels_what_others_want_too_leaves_it_to_them(person: Person, toys: None) -> None:
    request = ToyRequest("a", steps=1_000_000, pause=0.01)
    job = runner().submit("toy-thread", request, title="Anna's").id
    claims.share("run", f"toy-thread-{job}", claims.group("metals"), "write")
    person.user = User("carl@lab.org", frozenset({"metals"}))
    assert runner().may_stop(runner().get(job))
    person.user = BERT
    assert runner().submit("toy-thread", request, title="Bert's").title == "Bert's"
    assert runner().cancel(job).state == runner().get(job).state == "cancelled"
    [listed] = runner().list()
    assert (listed.state, listed.title) == ("cancelled", "Bert's")
    assert server_runner().get(job).active and not server_runner().get(job).cancelling
    assert runner().submit("toy-thread", request, automatic=True).state == "cancelled"
    assert runner().rerun(job).active, "he wants it again"
    person.user = User("carl@lab.org", frozenset({"metals"}))
    assert not runner().may_stop(runner().get(job))
    with pytest.raises(RequestError, match="Several people want"):
        runner().cancel(job)
    person.user = ANNA
    runner().cancel(job)
    runner().forget(job)
    assert claims.access("run", f"toy-thread-{job}") == "write", "Bert's, for the group"
    person.user = BERT
    assert runner().get(job).active
    runner().cancel(job)
    assert runner().wait(job, PATIENCE).state == "cancelled"
    assert not server_runner().get(job).active


def test_an_operator_cancels_for_all(person: Person, toys: None) -> None:
    request = ToyRequest("a", steps=1_000_000, pause=0.01)
    for person.user in (ANNA, BERT):
        job = runner().submit("toy-thread", request).id
    person.user = OLGA
    runner().cancel(job)
    assert server_runner().wait(job, PATIENCE).state == "cancelled"


def test_an_operator_sees_names_and_sizes_and_no_content(person: Person, annas: JobRecord) -> None:
    person.user = OLGA
    app = open_page(run=annas.id)
    assert titles(app) == ["What Anna found"]
    assert list(app.dataframe[0].value["Whose"]) == [ANNA.name]
    assert app.dataframe[0].value["Preview"].tolist() == [None]
    assert not app.get("download_button") and not app.tabs
    assert "scan_latents.h5" not in text_of(app)
    assert not any("Anna" in one.value for one in app.sidebar.markdown)
    app.button(key=f"delete_{annas.id}").click().run()
    assert not annas.folder.exists()


def test_an_operator_gives_what_was_there_before_anybody_signed_in(
    person: Person, annas: JobRecord
) -> None:
    claims.forget("run", annas.folder.name)
    assert not titles(open_page())
    person.user = OLGA
    app = open_page(run=annas.id)
    key = f"give_to_run_{annas.folder.name}"
    app.text_input(key=key).set_value(BERT.name)
    app.button(key=f"{key}_now").click().run()
    assert "belongs to bert@lab.org" in text_of(app)
    person.user = BERT
    assert titles(open_page()) == ["What Anna found"]


def test_an_operator_gives_uploads_from_before_anybody_signed_in(person: Person) -> None:
    fe, cu, made_of = (bring(f"{name}.csv", name.encode()) for name in ("fe", "cu", "scan"))
    mine = bring("anna.csv", b"anna")
    places.resolve(made_of).write_bytes((settings().data_roots[0] / "scan.h5").read_bytes())
    run = extraction(places.location(made_of))
    for kind, name in (claims.thing_at(place) for place in (fe, cu, made_of)):
        claims.forget(kind, name)
    claims.forget("run", run.folder.name)

    person.user = OLGA
    app = open_page(run=run.id)
    key = f"give_to_run_{run.folder.name}"
    app.text_input(key=key).set_value(BERT.name)
    app.button(key=f"{key}_now").click().run()
    person.user = BERT
    assert places.resolve(made_of), "what a run was made of goes with it"
    person.user = OLGA
    app = open_page("operator")
    assert "2 files were uploaded before anybody signed in" in app.expander[-1].label
    app.multiselect[0].set_value([claims.thing_at(fe)[1]]).run()
    assert [one.partition(" ")[0] for one in app.multiselect[0].options] == ["cu.csv", "fe.csv"]
    app.text_input(key="give_uploads_to").set_value(BERT.name)
    app.button(key="give_uploads_to_now").click().run()
    person.user = BERT
    assert places.resolve(fe)
    for place in (cu, mine):
        with pytest.raises(InputError, match="You may not open"):
            places.resolve(place)


def test_uploads_are_opened_by_those_who_brought_them(person: Person) -> None:
    content = b"x,y,Fe\n0,0,1\n"
    place = bring("fe.csv", content)
    person.user = BERT
    with pytest.raises(InputError, match="You may not open"):
        places.resolve(place)
    with pytest.raises(RequestError, match="somebody else"):
        delete_upload(place)
    beside = places.together({"a.csv": place})
    with pytest.raises(InputError, match="You may not open"):
        places.resolve(beside)
    with pytest.raises(InputError, match="You may not open"):
        locations.check_file(f"{places.uploads_folder()}/{place[7:]}", ["/any"])
    assert bring("fe.csv", content) == place and places.resolve(place).is_file()
    delete_upload(place)
    person.user = ANNA
    assert places.resolve(place).is_file()


def test_roots_and_buckets_are_those_of_ones_groups(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_ROOT_GROUPS", '{"data": ["metals"]}')
    monkeypatch.setenv("LATENT_S3_BUCKETS", "ours,theirs")
    monkeypatch.setenv("LATENT_BUCKET_GROUPS", '{"theirs": ["oceans"]}')
    settings.cache_clear()
    assert list(places.roots()) == ["data"] and s3.offered() == ("ours",)
    with pytest.raises(InputError, match="no bucket that this server offers"):
        places.check("s3:theirs/scan.h5")
    person.user = OLGA
    assert not places.roots()
    with pytest.raises(InputError, match="names no folder"):
        places.resolve("folder:data/scan.h5")


def test_regions_are_ones_own_or_a_groups(
    person: Person, annas: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = open_latents(annas.folder / "scan_latents.h5")
    mask = np.arange(len(latents)) < 3
    session: dict[str, str] = {}
    monkeypatch.setattr(st, "session_state", session)

    def names() -> list[str]:
        return list(kept.kept(latents).regions.names)

    kept.keep(latents, [kept.Candidate("mine", mask, {})])
    session[kept.SPACE] = "metals"
    kept.keep(latents, [kept.Candidate("ours", mask, {})])
    assert names() == ["ours"]
    person.user = BERT
    assert names() == ["ours"]
    session[kept.SPACE] = ""
    assert names() == []
    person.user = User("carl@lab.org")
    session[kept.SPACE] = "metals"  # of which he is no member
    assert names() == []
    person.user = ANNA
    session[kept.SPACE] = ""
    assert names() == ["mine"]


def test_recent_files_follow_their_user_and_are_shared_there(person: Person) -> None:
    place = bring("fe.csv", b"x,y,Fe\n0,0,1\n")
    open_page("data", maps=place)
    app = open_page("data")  # another browser of hers
    assert "fe.csv" in [one.label for one in app.button]
    app.text_input(key="share_with_recent_1_name").set_value("Bert@lab.org")
    app.button(key="share_with_recent_1_now").click().run()
    person.user = BERT
    assert places.resolve(place).is_file()
    assert "fe.csv" not in [one.label for one in open_page("data").button]
