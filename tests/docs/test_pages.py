"""The documentation covers everything there is, and nothing else."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import hooks
from latentcore.cli import build_parser
from latentcore.workflows import VERBS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A code span that names a file of the project, or a function or class in one.
NAMED = re.compile(
    r"`((?:latentcore|pages|tests|docs|benchmarks)/[\w/.-]+\.(?:py|js|md))(?::([\w.]+))?`"
)

# Names in the text that are not this program's.
_ELSEWHERE = {"code"}


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for block in re.findall(rf"```{language}[^\n]*\n(.*?)```", page.read_text(), re.DOTALL):
            yield page, block


def test_every_command_line_parses() -> None:
    parser = build_parser()
    commands = [
        (page, line)
        for page, block in blocks("sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("python -m latentcore ")
    ]
    assert len(commands) >= 20
    for page, command in commands:
        try:
            parser.parse_args(shlex.split(command)[3:])
        except SystemExit:
            pytest.fail(f"{page.relative_to(ROOT)}: {command}")


def test_every_block_of_python_compiles() -> None:
    for page, block in blocks("python"):
        compile(block, str(page), "exec")


def test_named_files_and_functions_exist() -> None:
    wrong = []
    for page in PAGES:
        for path, name in NAMED.findall(page.read_text(encoding="utf-8")):
            if not (ROOT / path).is_file():
                wrong.append(f"{page.name} names {path}, which is no file")
            elif name and name not in names_in(ROOT / path):
                wrong.append(f"{page.name} names {path}:{name}, which is not there")
    assert not wrong


def names_in(path: Path) -> set[str]:
    """Return the functions, classes and methods that a file defines."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return set(re.findall(r"(?:function|class|const|let) (\w+)", text)) | set(
            re.findall(r"^ +(?:async |static |#)*(\w+)\([^)]*\) \{$", text, re.MULTILINE)
        )
    return set(_defined(ast.parse(text), ""))


def _defined(node: ast.AST, before: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{before}{child.name}"
            yield from _defined(child, f"{before}{child.name}.")


def test_every_verb_is_documented() -> None:
    text = hooks.command_line()
    for name in VERBS.names():
        assert f"\n## {name}\n" in text


def test_what_every_verb_writes_is_listed() -> None:
    _, _, text = (ROOT / "docs" / "formats.md").read_text().partition("## What a run writes")
    for name, verb in VERBS.items():
        assert (f"\n| `{name}` |" in text) == verb.writes, name
        assert f"`{name}`" in text


def test_every_setting_is_documented() -> None:
    source = (ROOT / "latentcore" / "settings.py").read_text(encoding="utf-8")
    text = hooks.settings_table()
    for name in set(re.findall(r"\bLATENT_[A-Z0-9_]+", source)):
        assert f"`{name}`" in text, f"the settings' page doesn't name {name}"


def test_every_reader_is_documented() -> None:
    from latentcore import readers

    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    families = (
        readers.SAMPLES_READERS,
        readers.LATENTS_READERS,
        readers.MAPS_READERS,
        readers.TABLES_READERS,
    )
    missing = [name for family in families for name in family.names() if f"`{name}`" not in text]
    assert not missing


def test_every_metric_and_method_has_its_numbers_explained() -> None:
    from latentcore.analysis.probes import PROBES
    from latentcore.analysis.ranking import METRICS

    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    for name in (*METRICS.names(), *PROBES.names()):
        assert f"`{name}`" in text, f"What the numbers mean doesn't explain {name}"


def test_names_of_numbers_are_names_in_the_code() -> None:
    files = [*(ROOT / "latentcore").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    code = {
        word for path in files for word in re.findall(r"[\w-]+", path.read_text(encoding="utf-8"))
    }
    words = {word.replace("-", "_") for word in code} | code
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Za-z][\w-]*)`", text)) - _ELSEWHERE
    assert not named - words


@pytest.mark.parametrize("package", ["latentcore", "pages"])
def test_the_picture_shows_every_room_and_draws_without_circles(package: str) -> None:
    found = hooks.rooms(package)
    assert all(found[other].level < room.level for room in found.values() for other in room.imports)
    picture = hooks.rooms_picture()
    assert all(f">{name}</text>" in picture for name in found)


def test_formulas_become_mathml() -> None:
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    formulas = list(hooks._FORMULA.finditer(text))
    assert len(formulas) > 100
    for formula in formulas:
        shown = re.sub("<[^>]*>", "", hooks._mathml(formula))
        assert "\\" not in shown, formula[0]
