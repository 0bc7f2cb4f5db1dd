"""What one user may take of the server, and that others don't pay for it."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
import streamlit as st

from latentcore.errors import RequestError
from latentcore.settings import settings
from pages.access import claims, disk, places, quotas
from pages.access.identity import NOBODY_IN_PARTICULAR, User, acting_as
from pages.access.uploads import store_upload
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from tests.jobs.child import toy_verbs
from tests.jobs.child.toy_verbs import ToyRequest

ADA, EVE = User("ada@lab.org"), User("eve@lab.org")
PATIENCE = 60


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch):
    """Let a gigabyte be a thousand bytes."""
    monkeypatch.setattr(quotas, "_GIGABYTE", 1000)
    monkeypatch.setenv("LATENT_USER_GB", "10")
    settings.cache_clear()
    toy_verbs.register()
    yield
    toy_verbs.unregister()
    st.cache_resource.clear()


def bring(name: str, size: int) -> str:
    file = io.BytesIO(os.urandom(size))
    file.name = name
    return store_upload(file)


def run(name: str) -> str:
    record = runner().submit("toy-thread", ToyRequest(name))
    return server_runner().wait(record.id, PATIENCE).folder.name


def test_who_has_filled_their_room_starts_nothing_and_hears_what_takes_it(workspace: Path) -> None:
    del workspace
    with acting_as(NOBODY_IN_PARTICULAR):
        first = run("a")
        bring("scan.csv", 7000)
        with pytest.raises(RequestError, match=r"With the 5 kB to come") as caught:
            bring("another.csv", 5000)
        assert "uploads 7 kB" in str(caught.value)
        assert len(disk.uploads().of_each()) == 1, "nothing is left of what was refused"
        run("b")
        (places.runs_folder() / first / "latents.h5").write_bytes(b"\0" * 4000)
        with pytest.raises(RequestError, match=r"of the 10 GB that one user may have.*toy-thread"):
            run("c")
        assert server_runner().find("toy-thread", ToyRequest("c")) is None
        assert run("a") == first, "what is there already is no new work"
        automatic = server_runner().submit("toy-thread", ToyRequest("c"), automatic=True)
        assert automatic.active, "what a page asks for by itself is no reason to stop it"


def test_each_pays_for_what_is_theirs_and_nobody_for_what_the_server_makes(
    with_login: Path,
) -> None:
    del with_login
    with acting_as(ADA):
        place = bring("scan.csv", 9000)
        content = places.resolve(place).read_bytes()
        with pytest.raises(RequestError):
            bring("another.csv", 2000)
        again = io.BytesIO(content)
        again.name = "renamed.csv"
        assert store_upload(again), "the same bytes take no more room"
    with acting_as(EVE):
        bring("another.csv", 2000)
        mine = run("a")
    assert sum(quotas.taken_by("run", EVE.name).values()) > 0
    assert not quotas.taken_by("run", ADA.name)
    with acting_as(ADA):
        claims.claim("run", mine)
    assert quotas.taken_by("run", ADA.name) == quotas.taken_by("run", EVE.name)
    quotas.check_room("", coming=1 << 40)


def test_time_of_a_day_is_bounded_for_each_user(
    with_login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del with_login
    monkeypatch.delenv("LATENT_USER_GB")
    monkeypatch.setenv("LATENT_USER_JOB_HOURS", "2")
    settings.cache_clear()
    worked = {ADA.name: 7300.0, EVE.name: 7100.0}
    monkeypatch.setattr(type(server_runner()), "used", lambda _self, _since: worked)
    with acting_as(ADA), pytest.raises(RequestError, match=r"2 h 1 min .* allows 2 h"):
        run("a")
    with acting_as(EVE):
        assert run("a")
    assert quotas.DAY_S == 86_400


def test_job_whose_user_has_used_up_their_time_stops_unless_another_pays(
    with_login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del with_login
    monkeypatch.delenv("LATENT_USER_GB")
    monkeypatch.setenv("LATENT_USER_JOB_HOURS", "2")
    settings.cache_clear()
    worked: dict[str, float] = {}
    monkeypatch.setattr(type(server_runner()), "used", lambda _self, _since: worked)
    long = ToyRequest("a", steps=1_000_000, pause=0.01)
    with acting_as(EVE):
        job = runner().submit("toy-thread", long).id
    with acting_as(ADA):
        assert runner().submit("toy-thread", long).wanted_by == (EVE.name, ADA.name)
        waiting = runner().submit("toy-thread", ToyRequest("b")).id
        while server_runner().get(job).state == "queued":
            time.sleep(0.01)
        worked[EVE.name] = 7300.0
        server_runner().stop_refused()
        assert not runner().get(job).cancelling, "Ada has time left"
        worked[ADA.name] = 7300.0
        server_runner().stop_refused()
        stopped, never = (runner().wait(one, PATIENCE) for one in (job, waiting))
        for record in (stopped, never):
            assert record.state == "cancelled" and "LATENT_USER_JOB_HOURS" in record.error
        assert stopped.started and not never.started
        worked.clear()
        assert runner().wait(runner().rerun(waiting).id, PATIENCE).error == ""


def test_size_of_a_run_is_known_while_it_is_made_and_counts_linked_files_once(
    workspace: Path,
) -> None:
    folder = places.runs_folder()
    for name, size in {"extract-1": 300, ".extract-1.unfinished": 50, "train-2/deep": 7}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(b"\0" * size)
    os.link(folder / "extract-1/file", folder / "extract-1/twin")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "file").write_bytes(b"\0" * 99)
    (folder / "train-2" / "elsewhere").symlink_to(workspace)
    sizes = disk.Sizes(folder)
    for _ in range(2):
        assert sizes.of_each() == {"extract-1": 350, "train-2": 7}, "links lead nowhere"
    (folder / ".extract-1.unfinished" / "more").write_bytes(b"\0" * 50)
    assert sizes.of_each()["extract-1"] == 400
    assert disk.Sizes(folder / "nowhere").of_each() == {}
