"""Make, while MkDocs builds the site, what only the code knows: no copy of it can grow stale.

The pages *Command line*, *Settings* and *Python*, the picture of the rooms on the page
*Architecture*, and formulas as MathML, which browsers show without a script or the network.
"""

from __future__ import annotations

import argparse
import ast
import html
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["command_line", "edges", "python_reference", "rooms", "settings_table"]

_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    generated = {
        "command-line.md": command_line(),
        "settings.md": settings_table(),
        "python.md": python_reference(),
    }
    for name, text in generated.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put formulas aside: Markdown would take their subscripts for emphasis."""
    if not page.meta.get("math"):
        return markdown
    formulas: list[str] = page.meta.setdefault("formulas", [])

    def put_aside(found: re.Match[str]) -> str:
        formulas.append(_mathml(found))
        return f"FORMULA{len(formulas) - 1}END"

    return _FORMULA.sub(put_aside, markdown)


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """Put the formulas back, and draw the rooms where a page asks for them."""
    for mark, make in {"rooms-picture": rooms_picture, "rooms-table": rooms_table}.items():
        if f"<!-- {mark} -->" in content:
            content = content.replace(f"<!-- {mark} -->", make())
    formulas = page.meta.get("formulas", [])
    return re.sub(r"FORMULA(\d+)END", lambda found: formulas[int(found[1])], content)


def _mathml(found: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    block = found["block"]
    text = (block or found["inline"]).strip()
    return str(convert(" ".join(text.split()), display="block" if block else "inline"))


def command_line() -> str:
    """Return the page about all verbs, from the parser that reads the commands."""
    from latentcore.cli import build_parser

    parser = build_parser()
    lines = ["# Command line", "", f"`{parser.prog} VERB …`, or `latentcore VERB …`.", ""]
    lines += [parser.epilog or "", "", "[Formats](formats.md) says what a `LOCATION`, `LATENTS`"]
    lines += ["or `MAP` may be; [Many files](guides/batch.md), how `batch` takes these verbs.", ""]
    for name, verb in _choices(parser).items():
        lines += [f"## {name}", "", verb.description or "", ""]
        inner = _choices(verb)
        if inner:
            # Each verb of a batch has the options of the verb itself, described above or below.
            lines += [f"Takes these verbs, with their options: {', '.join(inner)}.", ""]
            own = next(iter(inner.values()))
            shared = {option.dest for other in inner.values() for option in other._actions}
            for other in inner.values():
                shared &= {option.dest for option in other._actions}
            lines += _options([one for one in own._actions if one.dest in shared])
        else:
            lines += _options(verb._actions)
    return "\n".join(lines)


def _choices(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def _options(actions: list[argparse.Action]) -> list[str]:
    lines = ["| option | meaning |", "| --- | --- |"]
    for action in actions:
        if action.dest == "help":
            continue
        flags = ", ".join(f"`{flag}`" for flag in action.option_strings) or f"`{action.dest}`"
        value = _value(action)
        meaning = action.help.replace("%%", "%") if action.help else ""
        notes = []
        if action.choices:
            notes.append("one of " + ", ".join(f"`{choice}`" for choice in action.choices))
        if action.default not in (None, False, (), []) and "default" not in meaning:
            notes.append(f"default `{action.default}`")
        if action.required and action.option_strings:
            notes.append("required")
        text = "; ".join([meaning, *notes])
        lines.append(f"| {flags}{value} | {_cell(text)} |")
    return [*lines, ""]


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 or not action.option_strings:
        return ""
    names = action.metavar or action.dest.upper()
    return " " + (" ".join(names) if isinstance(names, tuple) else names)


def _cell(text: str) -> str:
    """Escape what Markdown would take for emphasis or the end of a cell; code stays as it is."""
    parts = re.split(r"(`[^`]*`)", html.escape(text, quote=False))
    return "".join(
        part if part.startswith("`") else re.sub(r"([|*_])", r"\\\1", part) for part in parts
    )


def settings_table() -> str:
    """Return the page about all settings, from the class that reads them."""
    from latentcore.settings import Settings

    lines = [
        "# Settings", "",
        "Variables of the environment, read once at the start. Each may stand under the same name",
        "in `.streamlit/secrets.toml` of the working folder or of the home folder; the environment",
        "overrules it. `python -m latentcore settings` shows the values in force, and what is",
        "wrong with them.", "",
        "| name | meaning | default |", "| --- | --- | --- |",
    ]  # fmt: skip
    defaults = {one.name: one.default for one in fields(Settings)}
    for field, text in _documented(Settings.__doc__ or "").items():
        found = re.search(r"``(LATENT_\w+)``[,:]?\s*", text)
        assert found is not None, f"the docstring of Settings doesn't name the variable of {field}"
        meaning = text.replace(found[0], "", 1).replace("``", "`").strip()
        lines.append(
            f"| `{found[1]}` | {meaning[:1].upper()}{meaning[1:]} | {_default(defaults[field])} |"
        )
    return "\n".join(lines)


def _documented(docstring: str) -> dict[str, str]:
    """Return the text about each attribute of a numpydoc docstring."""
    _, _, attributes = docstring.partition("----------\n")
    found = re.findall(
        r"^ {4}(\w+) : [^\n]+\n((?: {8}[^\n]*\n|\n)+)", attributes + "\n", re.MULTILINE
    )
    return {name: " ".join(text.split()) for name, text in found}


def _default(value: object) -> str:
    if value is MISSING:
        return "`~/.latent-explorer`"
    return "none" if value in (None, ()) else f"`{value}`"


def python_reference() -> str:
    """Return the page about the public names, each by its docstring."""
    import latentcore

    lines = [
        "# Python", "",
        "What `import latentcore as lc` offers. Importing costs some milliseconds: PyTorch,",
        "scikit-learn and h5py are loaded where they are first needed.", "",
        "```python", "import latentcore as lc", "",
        'with lc.open_samples("demo/demo.h5") as samples:',
        "    print(len(samples), samples.sample_shape, samples.grid.shape)",
        'latents = lc.open_latents("latents/demo_latents.h5")', "```", "",
    ]  # fmt: skip
    for name in latentcore.__all__:
        home = getattr(latentcore, name).__module__
        lines += [f"::: {home}.{name}", ""]
    return "\n".join(lines)


@dataclass(frozen=True)
class Room:
    """A folder (or a file) of the library or of the dashboard, and what it imports.

    Attributes
    ----------
    level : int
        0 for a room that imports none; else one more than the highest that it imports.
    """

    name: str
    purpose: str
    lines: int
    imports: frozenset[str]
    level: int


def rooms(package: str) -> dict[str, Room]:
    """Return the rooms of ``latentcore`` or ``pages``, the lowest first."""
    folder = ROOT / package
    names = sorted(
        {path.relative_to(folder).parts[0].removesuffix(".py") for path in folder.rglob("*.py")}
    )
    found: dict[str, frozenset[str]] = {}
    for name in (one for one in names if not one.startswith("_")):
        others = {other for path in _files(folder, name) for other in edges(path, package)}
        found[name] = frozenset(others & set(names) - {name})
    levels: dict[str, int] = {}

    def level(name: str) -> int:
        if name not in levels:
            levels[name] = 1 + max(map(level, found[name]), default=-1)
        return levels[name]

    return {
        name: Room(
            name,
            _purpose(folder, name),
            sum(
                len(path.read_text(encoding="utf-8").splitlines()) for path in _files(folder, name)
            ),
            found[name],
            level(name),
        )
        for name in sorted(found, key=lambda name: (level(name), name))
    }


def edges(path: Path, package: str) -> Iterator[str]:
    """Yield the rooms of a package that a file imports, at whatever place."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        for module in modules:
            top, _, rest = module.partition(".")
            if top == package and rest:
                yield rest.split(".")[0]


def _files(folder: Path, room: str) -> list[Path]:
    one = folder / f"{room}.py"
    return [one] if one.is_file() else sorted((folder / room).rglob("*.py"))


def _purpose(folder: Path, room: str) -> str:
    one = folder / f"{room}.py"
    path = one if one.is_file() else folder / room / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def rooms_table() -> str:
    """Return what is in each room and what it imports, as HTML tables."""
    parts = []
    for package in ("latentcore", "pages"):
        rows = [
            f"<tr><td><code>{room.name}</code></td><td>{_code(room.purpose)}</td>"
            f"<td style='text-align:right'>{room.lines:,}</td>"
            f"<td>{', '.join(sorted(room.imports)) or '–'}</td></tr>"
            for room in rooms(package).values()
        ]
        head = "<tr><th>room</th><th>what is in it</th><th>lines</th><th>imports</th></tr>"
        parts.append(f"<p><code>{package}/</code></p><table>{head}{''.join(rows)}</table>")
    return "\n\n".join(parts)


def _code(text: str) -> str:
    return re.sub(r"``(.+?)``", r"<code>\1</code>", html.escape(text, quote=False))


_BOX, _GAP, _ROW = (124, 28), 12, 56
_WIDTH, _BETWEEN = 700.0, 50


def rooms_picture() -> str:
    """Return the rooms as a drawing, the dashboard above the library, arrows for imports.

    An import that follows from others by way of a third room has no arrow of its own.
    """
    dashboard, height = _stack(rooms("pages"), 24)
    library, bottom = _stack(rooms("latentcore"), height + _BETWEEN)
    middle = _WIDTH / 2
    return (
        f"<svg class='rooms' viewBox='0 0 {_WIDTH} {bottom}' role='img' "
        "aria-label='The rooms and their imports' xmlns='http://www.w3.org/2000/svg'>"
        "<style>.rooms text{font:12px sans-serif;fill:currentColor}"
        ".rooms rect{fill:#5c6bc022;stroke:#5c6bc0;rx:5}"
        ".rooms .paper{fill:var(--md-default-bg-color,#fff);stroke:none}"
        ".rooms path{fill:none;stroke:#5c6bc0;stroke-opacity:.55;marker-end:url(#tip)}"
        ".rooms marker path{fill:#5c6bc0;stroke:none;marker-end:none}</style>"
        "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='6' "
        "markerHeight='6' orient='auto'><path d='M0 0L8 4L0 8z'/></marker></defs>"
        "<text x='4' y='14'>pages/</text>"
        f"<text x='4' y='{height + _BETWEEN - 8}'>latentcore/</text>"
        f"<path d='M{middle} {height - 16} v{_BETWEEN}' stroke-width='4'/>"
        f"{dashboard}{library}</svg>"
    )


def _stack(found: Mapping[str, Room], y0: float) -> tuple[str, float]:
    """Draw one package's rooms from `y0` on, the highest above; return it and where it ends."""
    rows: dict[int, list[str]] = {}
    for room in found.values():
        rows.setdefault(room.level, []).append(room.name)
    top = max(rows)
    place: dict[str, tuple[float, float]] = {}
    for level, names in rows.items():
        taken = len(names) * (_BOX[0] + _GAP) - _GAP
        for number, name in enumerate(names):
            left = (_WIDTH - taken) / 2 + number * (_BOX[0] + _GAP)
            place[name] = (left, y0 + (top - level) * _ROW)
    drawn = [
        _arrow(place[room.name], place[other], room.level - found[other].level)
        for room in found.values()
        for other in sorted(_direct(found, room.name))
    ]
    drawn += [_box(found[name], *corner) for name, corner in place.items()]
    return "".join(drawn), y0 + (top + 1) * _ROW


def _box(room: Room, left: float, y: float) -> str:
    frame = f"x='{left}' y='{y}' width='{_BOX[0]}' height='{_BOX[1]}'"
    return (
        f"<g><title>{html.escape(f'{room.name}: {room.purpose}')}</title>"
        f"<rect class='paper' {frame}/><rect {frame}/>"
        f"<text x='{left + _BOX[0] / 2}' y='{y + 18}' text-anchor='middle'>{room.name}</text></g>"
    )


def _direct(found: Mapping[str, Room], name: str) -> set[str]:
    """Return the rooms that a room imports and that none of the others it imports would bring."""

    def below(one: str) -> set[str]:
        own = set(found[one].imports)
        return own.union(*map(below, own)) if own else own

    return {
        one
        for one in found[name].imports
        if not any(one in below(other) for other in found[name].imports - {one})
    }


def _arrow(start: tuple[float, float], end: tuple[float, float], levels: int) -> str:
    (x0, y0), (x1, y1) = start, end
    x0, x1, y0 = x0 + _BOX[0] / 2, x1 + _BOX[0] / 2, y0 + _BOX[1]
    # An arrow past other rows swings out, so that it isn't hidden by what stands between.
    swing = 0 if levels == 1 else (1 if x1 >= x0 else -1) * (_BOX[0] / 2 + 10)
    return f"<path d='M{x0} {y0} C{x0 + swing} {y0 + 30} {x1 + swing} {y1 - 30} {x1} {y1 - 2}'/>"
