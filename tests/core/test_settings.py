"""Settings: from the environment or from secrets.toml, and what is wrong with them."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from latentcore import settings as module
from latentcore.cli import main
from latentcore.errors import SettingsError
from latentcore.settings import Settings, all_variables, settings
from latentcore.workflows import execute
from latentcore.workflows.settings import SettingsRequest
from latentcore.workflows.settings.exposure import filesystem_of


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the environment, in a folder and home of its own."""
    for name in all_variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))

    def set_(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        module.settings.cache_clear()

    set_()
    yield set_
    monkeypatch.undo()
    module.settings.cache_clear()


def notes(**request) -> list[str]:
    return execute("settings", SettingsRequest(**request))["notes"]


def write_secrets(folder: Path, text: str) -> None:
    (folder / ".streamlit").mkdir(parents=True, exist_ok=True)
    (folder / ".streamlit/secrets.toml").write_text(text)


def test_environment_overrules_the_secrets_of_the_project_and_those_the_home(
    tmp_path: Path, configure: Callable[..., None]
) -> None:
    write_secrets(tmp_path / "home", "LATENT_CACHE_GB = 1\nLATENT_MAX_UPLOAD_MB = 1\n")
    write_secrets(tmp_path, 'LATENT_CACHE_GB = 2\nLATENT_S3_BUCKETS = "a,b"\n[table]\nx = 1\n')
    configure(LATENT_S3_BUCKETS="c")
    found = settings()
    assert (found.cache_gb, found.max_upload_mb, found.s3_buckets) == (2, 1, ("c",))


def test_broken_secrets_are_reported_without_their_text(
    tmp_path: Path, configure: Callable[..., None]
) -> None:
    write_secrets(tmp_path, 'password = "hunter2')
    configure()
    with pytest.raises(SettingsError, match="TOMLDecodeError") as caught:
        settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"LATENT_DATA_ROOTS": "/no/such/folder"}, "no folder"),
        ({"LATENT_CACHE_GB": "-3"}, "whole number"),
        ({"LATENT_S3_ENDPOINT": "s3.example.org"}, "must be a URL"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment(values)


def test_all_is_well_with_the_defaults(configure: Callable[..., None]) -> None:
    assert notes() == []


def test_each_wrong_setting_is_reported(tmp_path: Path, configure: Callable[..., None]) -> None:
    (tmp_path / "file").write_text("")
    configure(
        LATENT_WORKSPACE=str(tmp_path / "file" / "below"),
        LATENT_DEVICE="cuda:99",
        LATENT_CACH_GB="3",
        LATENT_DASK_SCHEDULER="tcp://127.0.0.1:9",
        LATENT_S3_ENDPOINT="http://127.0.0.1:9",
        LATENT_S3_BUCKETS="scans",
        AWS_ACCESS_KEY_ID="k",
        AWS_SECRET_ACCESS_KEY="s",
    )
    message = {note.split()[0].rstrip(":"): note for note in notes()}
    assert list(message) == [
        "LATENT_CACH_GB", "LATENT_WORKSPACE", "LATENT_DEVICE", "LATENT_S3_BUCKETS",
        "LATENT_DASK_SCHEDULER",
    ]  # fmt: skip
    assert "Did you mean LATENT_CACHE_GB?" in message["LATENT_CACH_GB"]
    assert "doesn't answer" in message["LATENT_S3_BUCKETS"]
    assert len(notes(offline=True)) == 3


def test_what_others_can_reach_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None]
) -> None:
    (tmp_path / "data").mkdir()
    configure(LATENT_DATA_ROOTS=str(tmp_path / "data"))
    folder = tmp_path / "here"
    (folder / ".streamlit").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config, secrets = (folder / ".streamlit" / name for name in ("config.toml", "secrets.toml"))
    config.write_text('[server]\naddress = "127.0.0.1"\n')
    assert notes(offline=True) == []
    secrets.write_text("")
    secrets.chmod(0o644)
    [said] = notes(offline=True)
    assert said.endswith("chmod 600 .streamlit/secrets.toml")
    secrets.chmod(0o600)
    for everywhere in ('[server]\naddress = "0.0.0.0"\n', "[server]\n"):
        config.write_text(everywhere)
        listens, *writable = notes(offline=True)
        assert "asks nobody who they are" in listens
        assert [note.split(":")[0] for note in writable] == ["LATENT_DATA_ROOTS"]
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "::1")
    assert notes(offline=True) == []
    for name, value in PROXIED.items():
        monkeypatch.setenv(name, value)
    configure()
    [writable] = notes(offline=True)  # by those whom the proxy lets in
    assert writable.startswith("LATENT_DATA_ROOTS")
    keys = tmp_path / "keys"
    keys.write_text("")
    keys.chmod(0o640)
    configure(AWS_SHARED_CREDENTIALS_FILE=str(keys), LATENT_DATA_ROOTS="")
    assert notes(offline=True) == [
        f"{str(keys)!r} holds secrets that other users can read. Say: chmod 600 {keys}"
    ]


GOOD_LOGIN = (
    '[auth]\nredirect_uri = "https://lab.example.org/oauth2callback"\n'
    'cookie_secret = "0123456789abcdef"\n'
)
HEADERS = {"STREAMLIT_SERVER_TRUSTED_USER_HEADERS": '{"X-User": "email"}'}
PROXIED = {**HEADERS, "LATENT_TRUSTED_PROXIES": "::1"}


@pytest.mark.parametrize(
    ("secrets", "variables", "expected"),
    [
        (GOOD_LOGIN, {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, ""),
        (GOOD_LOGIN.replace("https:", "http:"), {}, "travel unencrypted"),
        (GOOD_LOGIN.replace("https://lab.example.org", "http://localhost:8501"), {}, ""),
        (GOOD_LOGIN.replace("abcdef", ""), {}, "cookie_secret has fewer than 16"),
        (GOOD_LOGIN, {**HEADERS, "LATENT_TRUSTED_PROXIES": "::1"}, "Remove one of them"),
        ("", HEADERS, "nobody gets in"),
        ("", {**HEADERS, "LATENT_TRUSTED_PROXIES": "10.0.0.5,::1"}, ""),
        ("", {**HEADERS, "LATENT_TRUSTED_PROXIES": "0.0.0.0/0"}, "that they are anybody"),
        ("", {**PROXIED, "LATENT_USER_CLAIM": "sub"}, "say email, and no sub"),
        (
            "",
            {**PROXIED, "LATENT_S3_BUCKETS": "b", "LATENT_BUCKET_GROUPS": '{"b": ["x"]}'},
            "and no groups, so that what they name is open to nobody",
        ),
        ("", {"STREAMLIT_SERVER_TRUSTED_USER_HEADERS": "X-User"}, "is no JSON object"),
        ("", {"STREAMLIT_SERVER_TRUSTED_USER_HEADERS": '["X-User"]'}, "is no JSON object"),
        ("", {"LATENT_METRICS_TOKEN": "guess me"}, "LATENT_METRICS_TOKEN has fewer than 16"),
        ("", {"LATENT_METRICS_TOKEN": "g" * 16}, ""),
        ("", {"LATENT_OPERATORS": "olga"}, "LATENT_OPERATORS is set, but nobody signs in"),
        (
            "",
            {"LATENT_S3_BUCKETS": "b", "LATENT_BUCKET_GROUPS": '{"b": []}'},
            "What it names is open to nobody",
        ),
    ],
)
def test_what_is_wrong_with_the_way_in_is_said(
    secrets: str,
    variables: dict[str, str],
    expected: str,
    tmp_path: Path,
    configure: Callable[..., None],
) -> None:
    write_secrets(tmp_path, secrets)
    (tmp_path / ".streamlit/secrets.toml").chmod(0o600)
    configure(**variables)
    found = notes(offline=True)
    assert len(found) == bool(expected)
    assert "g" * 8 not in repr(execute("settings", SettingsRequest(offline=True)))
    assert expected in "".join(found)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LATENT_TRUSTED_PROXIES", "proxy.example.org", "addresses such as 127.0.0.1"),
        ("LATENT_TRUSTED_PROXIES", "10.0.0.1/24", "networks such as 10.0.0.0/24"),
        ("LATENT_BUCKET_GROUPS", '{"ours": ["a"]}', "There are: none"),
        ("LATENT_ROOT_GROUPS", '{"data": "metals"}', "must be a JSON object"),
        ("LATENT_ROOT_GROUPS", "[1]", "must be a JSON object"),
    ],
)
def test_a_slip_in_what_is_closed_to_whom_is_refused(
    name: str, value: str, said: str, configure: Callable[..., None]
) -> None:
    configure(**{name: value})
    with pytest.raises(SettingsError, match=said):
        settings()


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    lines = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
        "40 22 0:40 / /data\\040disk rw shared:1 - nfs4 nas:/x rw",
        "41 40 0:41 / /data\\040disk/scratch rw - xfs /dev/sdb rw",
    )
    mounts = tmp_path / "mountinfo"
    mounts.write_text("\n".join(lines))
    for folder, kind in (
        ("/home", "ext4"),
        ("/data disk/runs", "nfs4"),
        ("/data disk/scratch", "xfs"),
        ("/data disks", "ext4"),
    ):
        assert filesystem_of(Path(folder), mounts) == kind
    assert filesystem_of(tmp_path, tmp_path / "none") == ""


def test_command_line(configure: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--offline"]) == 0
    assert "cache_gb: 50" in capsys.readouterr().out


def test_every_setting_is_read_somewhere() -> None:
    root = Path(module.__file__).parents[1]
    files = [
        path
        for folder in ("latentcore", "pages")
        for path in (root / folder).rglob("*.py")
        if path != Path(module.__file__)
    ]
    read = {
        node.attr
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert {field.name for field in dataclasses.fields(Settings)} <= read


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_asleep_unless_somebody_says_otherwise(
    given: str | None, expected: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
    code = "import latentcore, os; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
