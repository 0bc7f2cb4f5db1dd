"""Nothing that a file says is rendered as Markdown: told from the source, for every call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pages.own_text import Sources

ROOT = Path(__file__).parents[2]
# Which arguments Streamlit renders, by their position.
FIRST = (
    "badge", "button", "caption", "checkbox", "color_picker", "date_input", "dialog",
    "download_button", "error", "expander", "file_uploader", "form_submit_button", "header", "html",
    "info", "link_button", "markdown", "multiselect", "number_input", "popover", "select_slider",
    "selectbox", "slider", "spinner", "status", "subheader", "success", "table", "tabs",
    "text_area", "text_input", "time_input", "title", "toast", "toggle", "warning", "write",
)  # fmt: skip
POSITIONS = {
    **dict.fromkeys(FIRST, (0,)), "metric": (0, 1, 2), "progress": (1,), "image": (1,),
    "pills": (0, 1), "radio": (0, 1), "segmented_control": (0, 1), "page_link": (),
    **dict.fromkeys(("Column", "ImageColumn", "NumberColumn", "ProgressColumn", "TextColumn"), ()),
}  # fmt: skip
NAMED = {"label", "help", "body", "text", "caption", "captions", "delta"}
RENDER_OPTIONS = ("pills", "radio", "segmented_control")
# What has such a method and isn't of Streamlit.
OTHERS = {
    "archive", "arrays", "checkpoints", "domains", "file", "form", "labels", "loading",
    "places", "run_list",
}  # fmt: skip
# Looked at: why what stands there is no text of a file.
OWN = {
    "scene.points": "points, or samples",
    "pages.view.scene: self.points": "the same",
    "ask.label": "of the request's field, or given by the page",
    "ask.help": "the same",
    "secrets.token_hex(4)": "digits",
    "str(power).translate(_SUPERSCRIPTS)": "the same",
    "platform.python_version()": "of this server",
    "metadata.version(package)": "of this server",
    "region.color": "checked to be #rrggbb wherever a region is made",
    "question.active": "A or B, checked where an address is read",
    "cut.domains.unit": "the sign for degrees, or nothing",
    "list(sources)": "what a region can be made of, by title",
    "training_presets()[name].title": "of a registered encoder",
    "presets[chosen].note": "the same",
    "pages.forms.denoising_form: TARGETS.items()": "a table of the program",
    "pages.jobs.panel: record.state": "checked where a record is read",
    "pages.regions.listing: selected.masks.items()": "A and B",
    "pages.tasks.batch.options: field.name": "of a request",
    "pages.tasks.explore.cluster_numbers: clustering.scores": "by the name of a criterion",
    "pages.tasks.explore.patterns: masks.items()": "A and B",
    "pages.tasks.pattern_maps.detectors: asked.detectors": "A to F, checked in the address",
    "pages.tasks.pattern_maps.pattern_maps: asked.map": "names of registered maps",
    "pages.tasks.train.form: name": "of a registered encoder's preset",
}
CHARTED = {
    "annotation_text", "hovertemplate", "hovertext", "name", "subplot_titles", "text",
    "texttemplate", "ticktext", "title", "title_text",
}  # fmt: skip
CHARTS = {
    "{'by number': np.ones(len(values)), 'by area': areas}": "titles, and weights",
    "np.array(chart_texts((names.get(number, str(number)) for number in numbers)) or [''])": "safe",
    "texts[::every].tolist()": "the same",
    "np.where(counts > 0, counts.astype(str), '')": "numbers",
    "np.where(np.isnan(ranks), '–', np.char.mod('%.0f', np.nan_to_num(ranks)))": "numbers",
    "np.char.mod('%d', table)": "numbers",
}


def rendered(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments of a call that Streamlit renders."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in POSITIONS:
        return
    what, holder = call.func.attr, ast.unparse(call.func.value)
    if holder.split(".")[-1] in OTHERS:
        return
    given = {one.arg: one.value for one in call.keywords}
    positions = POSITIONS[what]
    if what in RENDER_OPTIONS and "format_func" in given:
        positions = positions[:1]
        yield given["format_func"]
    yield from (call.args[place] for place in positions if place < len(call.args))
    names = NAMED | ({"value"} if what == "metric" else set())
    yield from (value for name, value in given.items() if name in names)


def charted(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments of a call that plotly renders, in which it reads tags and templates."""
    yield from (one.value for one in call.keywords if one.arg in CHARTED)
    for part in ast.walk(call):
        if isinstance(part, ast.Dict):
            for key, value in zip(part.keys, part.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in CHARTED:
                    yield value


def unknown(sources: Sources, arguments: Callable[[ast.Call], Iterator[ast.expr]]) -> set[str]:
    return {
        end
        for call, place in sources.calls
        if place.module.startswith(("pages", "app"))
        for argument in arguments(call)
        for end in sources.ends(argument, place)
    }


def files_of(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def test_all_that_streamlit_renders_is_escaped_or_our_own() -> None:
    files = [ROOT / "app.py", *files_of("pages", "latentcore")]
    sources = Sources(ROOT, files, {"markdown_safe"}, OWN)
    assert len(sources.calls) > 10_000
    assert unknown(sources, rendered) == set(), "escape it by pages.frame.errors.markdown_safe"
    assert OWN.keys() - sources.met == set(), "these are not needed any more"


def test_all_that_charts_render_is_escaped_or_our_own() -> None:
    sources = Sources(ROOT, files_of("pages"), {"chart_text", "chart_texts"}, CHARTS)
    drawing = [
        (call, place)
        for call, place in sources.calls
        if place.module.startswith("pages.charts") or "figure" in ast.unparse(call.func)
    ]
    sources.calls[:] = drawing
    assert unknown(sources, charted) == set(), "escape it by pages.charts.frame.chart_text"
    assert CHARTS.keys() - sources.met == set(), "these are not needed any more"


def test_each_table_says_whether_a_spreadsheet_would_compute_it() -> None:
    tables = [
        (place.module, call)
        for call, place in Sources(ROOT, files_of("pages"), set()).calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("dataframe", "data_editor")
    ]
    silent = [
        f"{module}:{call.lineno}"
        for module, call in tables
        if not any(
            one.arg == "alt" and ast.unparse(one.value).startswith("told(") for one in call.keywords
        )
    ]
    assert len(tables) > 5
    assert silent == [], "give it alt=told(table), of pages.frame.tables"


SHOWN = """
import streamlit as st
from pages.frame.errors import markdown_safe
from pages.other import Found, plural, safe

TITLES = {"a": "A title"}

def page(found: Found, n: int, when):
    name = found.name
    rows = (("a", "b"), ("c", name))

    def parts():
        return "a", name

    st.caption(SHOW)
"""
OTHER = """
from dataclasses import dataclass
from pages.frame.errors import markdown_safe

@dataclass
class Found:
    name: str
    size: int

    @property
    def kind(self):
        return "scan" if self.size else "latents"

    @property
    def title(self):
        return f"The {self.name}"

def plural(n, word):
    return f"{n:,} {word}s"

def safe(text):
    return "**" + markdown_safe(text) + "**"
"""


@pytest.mark.parametrize(
    "shown",
    [
        "'text'", "f'{n} of {len(name)}'", "f'{when:%H:%M}'", "markdown_safe(name)", "safe(name)",
        "plural(n, 'point')", "TITLES['a'].lower()", "found.kind", "f'{found.size:,}'",
        "', '.join(map(markdown_safe, [name]))", "', '.join(markdown_safe(one) for one in name)",
        "' · '.join([f'{one:.3g}' for one in when])", "found.size", "plural(when, 'point')",
        "[one for one, _ in rows]", "parts()[0]", "[f'{one:d}' for one, _ in zip(when, name)]",
        "[two for two, _ in zip('ab', name)]",
    ],
)  # fmt: skip
def test_own_and_escaped_text_is_known_as_such(shown: str, tmp_path: Path) -> None:
    assert unknown(program(tmp_path, shown), rendered) == set()


@pytest.mark.parametrize(
    ("shown", "end"),
    [
        ("name", "found.name"), ("f'In {name}'", "found.name"), ("when", "when"),
        ("plural(n, name)", "found.name"), ("found.title", "self.name"),
        ("f'{markdown_safe(name)}: {name}'", "found.name"), ("'a' or name", "found.name"),
        ("TITLES.get(name, name)", "found.name"), ("rows[n][1]", "found.name"),
        ("[two for _, two in rows]", "found.name"), ("parts()[1]", "found.name"),
        ("name.lower()[:9]", "found.name"), ("' '.join([one for one in when])", "when"),
        ("open(name).read()", "open(name).read()"), ("'a', help=name", "found.name"),
    ],
)  # fmt: skip
def test_text_of_others_is_told_with_where_it_comes_from(
    shown: str, end: str, tmp_path: Path
) -> None:
    found = unknown(program(tmp_path, shown), rendered)
    assert [one.partition(": ")[2] for one in found] == [end]


def program(folder: Path, shown: str) -> Sources:
    """Write a page that shows one expression."""
    written = {"pages/page.py": SHOWN.replace("SHOW", shown), "pages/other.py": OTHER}
    for name, text in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return Sources(folder, [folder / name for name in written], {"markdown_safe"})
