"""The worked examples of the page *Contributing* work, in a copy of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program_copy import copy_program

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^## ([^\n]+)$|^```python(?: title=\"([^\n]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
# Runs the lines of all sections, one after the other, as somebody at a prompt would.
RUNNER = """
import pathlib, sys
for path in sorted(pathlib.Path("steps").glob("*.py")):
    exec(compile(path.read_text(), str(path), "exec"))
    print("DONE", path.stem)
"""


def sections() -> dict[str, list[tuple[str, str]]]:
    """Return for each heading its blocks of Python: (file or "", code)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for heading, title, code in BLOCK.findall(PAGE):
        if heading:
            blocks = found.setdefault(heading, [])
        else:
            blocks.append((title, code))
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_example_works(tmp_path: Path) -> None:
    # Tests are run from the project's root, but the copy is what must be imported here.
    copy_program(tmp_path)
    (tmp_path / "steps").mkdir()
    steps = []
    for number, (heading, blocks) in enumerate(sections().items()):
        for title, code in blocks:
            path = tmp_path / (title or f"steps/{number:02d}.py")
            assert not path.exists(), f"{heading}: {title} exists already"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code, encoding="utf-8")
            steps += [] if title else [heading]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=tmp_path,
        env={"LATENT_WORKSPACE": str(tmp_path / "workspace"), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("DONE") == len(steps)
    assert len(steps) >= 14
