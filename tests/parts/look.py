"""Run inside a copy of the program that has the toy parts; print what became of each, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from latentcore.cli import main


def write_inputs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name, columns in (("samples", 16), ("latents", 3), ("maps", 1), ("table", 1)):
        rows = "\n".join(" ".join(f"{value:.5f}" for value in row)
                         for row in rng.normal(size=(48, columns)))  # fmt: skip
        (folder / f"{name}.txt").write_text(f"toy {name}\n{rows}\n")
    coords = [(n % 6, n // 6) for n in range(48)]
    lines = [f"{x},{y},{n % 2}" for n, (x, y) in enumerate(coords)]
    (folder / "phases.csv").write_text("\n".join(["x,y,phase", *lines]))


def said(*words: str) -> str:
    """Return what a command prints; it must end well."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
    assert status == 0, f"{words}: {errors.getvalue()}"
    return out.getvalue()


def ran(folder: Path, verb: str, *words: str) -> dict[str, Any]:
    """Run a verb and return its run.json and, where there is one, its report."""
    out = folder / f"run_{verb}"
    said(verb, *words, "--out", str(out), "--quiet")
    found = {"run": json.loads((out / "run.json").read_text())}
    for report in out.glob("*report*.json"):
        found["report"] = json.loads(report.read_text())
    return found


def options_of(verb: str) -> dict[str, list[str]]:
    """Return what the page for a batch offers for each option of a verb."""
    app = AppTest.from_function(_ask, default_timeout=120)
    app.session_state["verb"] = verb
    app.run()
    assert not app.exception, app.exception
    return {w.label: [str(o) for o in w.options] for w in (*app.selectbox, *app.multiselect)}


def _ask() -> None:
    import streamlit as st

    from pages.tasks.batch.options import ask_options

    ask_options(st.session_state["verb"], "form", ("a.h5",))


def _steps() -> None:
    from latentcore.preparation import Preparation
    from pages.forms.preparation_form import _choose_steps

    _choose_steps("steps", Preparation())


def look(folder: Path) -> dict[str, Any]:
    write_inputs(folder)
    samples, latents, maps = (str(folder / f"{n}.txt") for n in ("samples", "latents", "maps"))
    from latentcore.readers import open_table
    from latentcore.workflows import VERBS
    from pages.frame.navigation import names
    from pages.tasks.batch.execution import executors

    trained = ran(folder, "train", samples, "--preset", "toy", "--prepare", "toy_clip=2")
    page = AppTest.from_file(str(Path.cwd() / "pages/tasks/toy_page/toy_page.py")).run()
    steps = AppTest.from_function(_steps, default_timeout=60).run()
    return {
        "inspect": json.loads(said("inspect", samples, "--json")),
        "extract": ran(folder, "extract", samples, "--checkpoint",
                       str(folder / "run_train" / "model.safetensors")),
        "table": open_table(str(folder / "table.txt")).names,
        "train": trained,
        "cluster": ran(folder, "cluster", latents, "--dim", "0", "--map", maps, "--method", "toy",
                       "--toy-bins", "3"),
        "domains": ran(folder, "domains", latents, "--method", "toy", "--toy-height", "3"),
        "rank": ran(folder, "rank", latents, "--map", maps, "--metric", "toy", "--top", "0"),
        "probe": ran(folder, "probe", latents, "--labels", str(folder / "phases.csv") + ":phase",
                     "--classifier", "toy", "--toy-weight", "2"),
        "project": ran(folder, "project", latents, "--method", "toy", "--toy-scale", "2"),
        "export": ran(folder, "export", str(folder / "phases.csv"), "--format", "toy"),
        "toy-count": ran(folder, "toy-count", latents, "--times", "2"),
        "batch": said("batch", "toy-count", latents, "--executor", "toy", "--out",
                      str(folder / "batch"), "--json"),
        "help": {verb: said(verb, "--help") for verb in
                 ("cluster", "domains", "rank", "probe", "project", "train", "extract",
                  "toy-count")},
        "batch_help": said("batch", "toy-count", "--help"),
        "offered": {verb: options_of(verb) for verb in
                    ("cluster", "domains", "rank", "probe", "project", "train", "export")},
        "steps": [widget.label for widget in steps.number_input],
        "executors": list(executors()),
        "pages": names(),
        "page": [title.value for title in page.title],
        "verbs": list(VERBS.names()),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(look(Path(sys.argv[1])), default=str))
