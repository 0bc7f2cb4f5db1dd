"""The README's commands hold, and it stays short."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_links_and_pictures_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^):#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_ci_finds_the_test_command() -> None:
    found = re.search(r"<!-- test-command -->\n```sh\n(.+?)\n```\n<!-- /test-command -->", README)
    assert found is not None
    assert "pytest" in found[1]
