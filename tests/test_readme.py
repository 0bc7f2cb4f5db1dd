"""The README's commands and claims hold."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from latentcore.cli import build_parser
from latentcore.workflows import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_line_in_the_readme_parses() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line for line in lines if line.startswith("python -m latentcore ")]
    assert len(commands) >= 3
    parser = build_parser()
    for command in commands:
        parser.parse_args(shlex.split(command)[3:])


def test_readme_names_every_verb() -> None:
    for name in VERBS.names():
        assert f"`{name}`" in README, f"the README doesn't name the verb {name}"


def test_readme_explains_every_setting() -> None:
    source = (ROOT / "latentcore" / "settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"LATENT_[A-Z0-9_]+", source)):
        assert f"`{name}`" in README, f"the README doesn't explain {name}"


def test_pictures_exist() -> None:
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()


def test_ci_finds_the_test_command() -> None:
    found = re.search(r"<!-- test-command -->\n```sh\n(.+?)\n```\n<!-- /test-command -->", README)
    assert found is not None
    assert "pytest" in found[1]
