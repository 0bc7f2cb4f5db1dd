"""What monitors ask, in the way that the server hands it on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st
from starlette.responses import PlainTextResponse
from streamlit import config

from latentcore.settings import settings
from pages.frame.measured import JOB_SECONDS, Histogram
from pages.jobs.server import server_runner
from pages.operation import addresses, health
from pages.operation.addresses import OperatorAddresses
from tests.jobs.child import toy_verbs
from tests.jobs.child.toy_verbs import ToyRequest

LOCAL = ("127.0.0.1", 5000)
OTHER = ("192.0.2.7", 5000)
PATIENCE = 60


@dataclass
class Answer:
    status: int
    text: str


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    monkeypatch.setenv("LATENT_WORKSPACE", str(workspace))
    monkeypatch.setattr(addresses, "HEALTH", health.Health())
    settings.cache_clear()
    toy_verbs.register()
    yield workspace
    toy_verbs.unregister()
    st.cache_resource.clear()
    settings.cache_clear()


def ask(
    path: str,
    client: tuple[str, int] = LOCAL,
    method: str = "GET",
    host: str = "127.0.0.1:8501",
    **headers: str,
) -> Answer:
    sent: list[dict] = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    pairs = {"host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in pairs.items()],
        "client": client,
        "server": ("127.0.0.1", 8501),
    }
    asyncio.run(OperatorAddresses(PlainTextResponse("passed on"))(scope, receive, send))
    return Answer(sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]).decode())


def test_healthy_server_says_so_to_everybody_and_nothing_else() -> None:
    answer = ask("/healthz", client=OTHER, host="lab.example.org")
    assert (answer.status, json.loads(answer.text)) == (
        200,
        {"ready": True, "workspace": True, "disk": True, "jobs": True},
    )
    assert ask("/healthz/live").status == 200
    assert ask("/healthz", method="POST").status == 405
    assert ask("/data").text == "passed on"


def test_full_disk_a_lost_workspace_and_a_stopped_runner_make_it_unready(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[int, list[str]]:
        monkeypatch.setattr(addresses, "HEALTH", health.Health())
        answer = ask("/healthz")
        return answer.status, [name for name, well in json.loads(answer.text).items() if not well]

    with monkeypatch.context() as patch:
        patch.setattr(health, "LEAST_SPACE", 1 << 62)
        assert found() == (503, ["ready", "disk"])
    server_runner().close()
    assert found() == (503, ["ready", "jobs"])
    server.rename(server.with_name("elsewhere"))
    assert found() == (503, ["ready", "workspace", "disk", "jobs"])
    assert ask("/healthz/live").status == 200


def test_asking_often_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    monkeypatch.setattr(health, "_can_write", lambda: asked.append(None) is None)
    for _ in range(5):
        assert ask("/healthz").status == 200
    assert len(asked) == 1


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics"])
@pytest.mark.parametrize(
    ("how", "allowed"),
    [
        ({}, True),
        ({"client": ("::1", 5000), "host": "[::1]:8501"}, True),
        ({"client": ("::ffff:127.0.0.1", 5000), "host": "localhost:8501"}, True),
        ({"client": OTHER}, False),
        ({"client": ("10.1.2.3", 5000), "host": "latent:8501"}, True),
        ({"client": ("10.2.0.1", 5000)}, False),
        ({"client": ("testclient", 5000)}, False),
        ({"x_forwarded_for": "127.0.0.1"}, False),
        ({"forwarded": "for=127.0.0.1"}, False),
        ({"client": ("10.1.2.3", 5000), "x_forwarded_for": "10.1.2.3"}, False),
        ({"host": "lab.example.org"}, False),
        ({"client": OTHER, "authorization": "Bearer a token"}, True),
        ({"client": OTHER, "authorization": "Bearer a tokeN"}, False),
        ({"client": OTHER, "authorization": "Bearer"}, False),
        ({"client": OTHER, "authorization": "a token"}, False),
    ],
)
def test_metrics_are_for_this_machine_named_networks_and_the_token(
    path: str, how: dict, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_METRICS_FROM", "10.1.0.0/16, 2001:db8::1")
    monkeypatch.setenv("LATENT_METRICS_TOKEN", "a token")
    settings.cache_clear()
    monkeypatch.setattr(addresses.metrics, "text", lambda: "passed on")
    answer = ask(path, **how)
    assert (answer.status, "passed on" in answer.text) == ((200, True) if allowed else (403, False))


def test_no_token_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("", None):
        if token is not None:
            monkeypatch.setenv("LATENT_METRICS_TOKEN", token)
        settings.cache_clear()
        assert ask("/metrics", client=OTHER, authorization="Bearer ").status == 403
        assert ask("/metrics", client=OTHER, authorization="Bearer None").status == 403


def test_addresses_lie_below_the_prefix_as_well() -> None:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "latent")
    try:
        assert ask("/latent/healthz").status == 200
        assert ask("/latent/_stcore/metrics", client=OTHER).status == 403
    finally:
        config.set_option("server.baseUrlPath", before)


_SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+]+')


def test_metrics_count_jobs_by_verb_and_state_and_name_no_user() -> None:
    JOB_SECONDS._series.clear()  # of other tests' jobs
    runner = server_runner()
    done = runner.submit("toy-thread", ToyRequest("a"), user="ada@example.org", title="A secret")
    runner.wait(done.id, PATIENCE)
    failed = runner.submit("toy-thread", ToyRequest("b", trouble="break"), user="eve@example.org")
    runner.wait(failed.id, PATIENCE)
    text = ask("/metrics").text
    assert text.endswith("\n")
    told = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in told if not _SAMPLE.fullmatch(line)] == []
    assert 'latent_jobs{verb="toy-thread",state="finished"} 1' in told
    assert 'latent_jobs{verb="toy-thread",state="failed"} 1' in told
    assert 'latent_job_seconds_bucket{verb="toy-thread",state="finished",le="+Inf"} 1' in told
    assert "latent_jobs_running 0" in told
    for name in ("latent_sessions", "process_open_fds", "process_resident_memory_bytes"):
        assert any(line.startswith(f"{name} ") for line in told)
    assert int(next(line for line in told if line.startswith("latent_run_bytes ")).split()[1]) > 100
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    for secret in ("ada", "eve", "secret", str(settings().workspace), done.id):
        assert secret not in text


def test_histogram_counts_each_duration_below_all_bounds_that_it_keeps() -> None:
    histogram = Histogram((1.0, 2.0), ("page",))
    for seconds in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(seconds, "data")
    with pytest.raises(KeyError), histogram.timed("rank"):
        raise KeyError
    [data, rank] = histogram.series().values()
    assert (data.counts, data.sum) == ([2, 1, 1], 12.0)
    assert rank.counts == [1, 0, 0]
