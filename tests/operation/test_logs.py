"""The log as JSON: nothing that a user or a file has said gets into it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pages.frame.logs import JsonLines, digest

ROOT = Path(__file__).parents[2]
# Put together here, as a literal of this file would be the program's own words.
SECRET = " ".join(["/home/ada/patients.csv:", "value 4711", "![](http://evil.test)\nforged line"])


def line_of(log, who=lambda: "") -> dict:
    """Return the line that a record becomes which `log(logger)` makes."""
    logger, kept = logging.Logger("latent_explorer"), []
    handler = logging.Handler()
    handler.emit = lambda record: kept.append(JsonLines(who).format(record))
    logger.addHandler(handler)
    log(logger)
    [text] = kept
    assert "\n" not in text
    for part in ("patients", "4711", "evil", "forged", "/home"):
        assert part not in text
    return json.loads(text)


class HostileError(Exception):
    """What a library raises that repeats what it has read."""

    def __str__(self) -> str:
        return SECRET

    __repr__ = __str__


def fails() -> Exception:
    from latentcore.artifacts import from_json

    try:
        try:
            from_json(SECRET)
        except ValueError as error:
            error.add_note(SECRET)
            error.filename = SECRET
            raise HostileError(SECRET) from error
    except HostileError as error:
        return error


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (lambda log: log.error("it broke: %s", SECRET), "it broke: %s"),
        (lambda log: log.error("it broke: %(x)s", {"x": SECRET}), "it broke: %(x)s"),
        (lambda log: log.error(f"it broke: {SECRET}"), None),
        (lambda log: log.error("it broke: " + SECRET), None),
        (lambda log: log.error(SECRET), None),
        (lambda log: log.error(HostileError(SECRET)), None),
        (lambda log: log.error(["a list", SECRET]), None),
        (lambda log: log.error("it broke", extra={"incident": SECRET, "job": SECRET}), "it broke"),
        (lambda log: log.error("it broke", extra={"path": SECRET, "seconds": "4711"}), "it broke"),
        (lambda log: log.error("it broke", stack_info=True), "it broke"),
    ],
)
def test_message_is_shown_only_as_the_source_has_it(log, message: str | None) -> None:
    assert line_of(log)["message"] == (message or "(not the program's own words)")


def test_error_is_told_by_types_and_our_own_places() -> None:
    found = line_of(lambda log: log.error("it broke", exc_info=fails()))
    assert [one["type"] for one in found["error"]][:2] == ["HostileError", "JSONDecodeError"]
    [place] = found["error"][1]["at"]
    assert place.startswith("latentcore/artifacts/json_text.py:")
    assert int(place.rpartition(":")[2]) > 1


def test_names_of_classes_made_up_from_data_are_not_told() -> None:
    made_up = type(SECRET, (Exception,), {})
    assert line_of(lambda log: log.error("it broke", exc_info=made_up()))["error"] == [
        {"type": "Exception", "at": []}
    ]


def test_line_holds_what_operators_look_for() -> None:
    about = {
        "incident": "0123abcd", "verb": "extract", "job": "1f2e3d", "state": "failed",
        "seconds": 1.23456, "user": "ada@example.org",
    }  # fmt: skip
    found = line_of(lambda log: log.error("job %s: incident %s", "1f2e3d", "0123abcd", extra=about))
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "ERROR", "logger": "latent_explorer", "message": "job %s: incident %s",
        "incident": "0123abcd", "verb": "extract", "job": "1f2e3d", "state": "failed",
        "seconds": 1.235, "user": digest("ada@example.org"),
    }  # fmt: skip
    assert "ada" not in found["user"]


def test_user_of_the_session_is_known_by_a_digest_and_failing_to_know_hides_nothing() -> None:
    def nobody() -> str:
        raise HostileError(SECRET)

    known = line_of(lambda log: log.error("it broke"), lambda: "ada@example.org")
    assert known["user"] == digest("ada@example.org") != digest("eve@example.org")
    assert "user" not in line_of(lambda log: log.error("it broke"), nobody)


_SERVER = """
import logging, os, sys, threading, warnings
sys.path.insert(0, {root!r})
from streamlit.logger import get_logger
early = get_logger("streamlit.early")
from pages.frame import logs
logs.configure(lambda: "")
import uvicorn.config
uvicorn.config.Config("app:app")
SECRET = os.environ["SECRET"]
early.warning(f"early {{SECRET}}")
get_logger("streamlit.late").error("late %s", SECRET)
logging.getLogger("uvicorn.error").info("Started server process [%d]", 4711)
logging.getLogger("some.library").error(SECRET)
logging.getLogger("latent_explorer").info("Settings checked: %d problems.", 4711)
warnings.warn(SECRET)
def broken():
    raise ValueError(SECRET)
thread = threading.Thread(target=broken); thread.start(); thread.join()
broken()
"""


def serve(folder: Path, log: str) -> subprocess.CompletedProcess:
    script = folder / "server.py"
    script.write_text(_SERVER.format(root=str(ROOT)))
    set_ = {"LATENT_LOG": log, "HOME": str(folder), "SECRET": SECRET}
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, env={**os.environ, **set_}, cwd=ROOT, timeout=60,
    )  # fmt: skip


def test_all_that_a_server_logs_is_json_whoever_logs_it(tmp_path: Path) -> None:
    done = serve(tmp_path, "json")
    assert not done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["logger"] for line in lines} == {
        "streamlit.early", "streamlit.late", "uvicorn.error", "some.library", "latent_explorer",
        "py.warnings",
    }  # fmt: skip
    assert [line["error"][0]["type"] for line in lines if "error" in line] == ["ValueError"] * 2
    assert not any(part in done.stderr for part in ("patients", "4711", "evil", "forged"))


def test_log_stays_text_where_nothing_else_is_set(tmp_path: Path) -> None:
    done = serve(tmp_path, "text")
    assert f"streamlit.late: late {SECRET}" in done.stderr
    assert f"ValueError: {SECRET}" in done.stderr
