"""A probe's job and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts.records import read_record
from latentcore.cells import read_csv
from latentcore.containers import LatentSet, ScanGrid
from latentcore.jobs import JobRecord
from pages.access import places
from pages.charts.frame import draw
from pages.charts.maps import categories_chart, fitting_height
from pages.charts.probe import (
    calibration_chart,
    confusion_chart,
    learning_curve_chart,
    roc_chart,
)
from pages.frame import errors
from pages.frame.tables import show_table
from pages.frame.theme import tones
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.results.run_files import download
from pages.scan.state import ScanState
from pages.tasks.search import probe_form

PAGE = "probe"
_SCORES = {"accuracy": "accuracy", "macro_f1": "macro F1", "roc_auc": "ROC area"}
_FIRST = ("model_card.json", "probe_report.json", "predictions.csv")


def show(scan: ScanState, latents: LatentSet) -> None:
    """Ask what to probe for, run it as a job, and show its figures."""
    request = probe_form.ask(scan, latents)
    if st.button("Probe", type="primary", icon=":material/play_arrow:", disabled=request is None):
        title = f"Probe of {lasting_name(scan.latents)}"
        watch(runner().submit("probe", request, title=title).id, PAGE)
    job = watched(PAGE)
    if job is None:
        st.caption(
            "A probe learns the labels from some of the latents and is tested on the others: "
            "its figures say how much of the labels is in the latents."
        )
    elif _is_of_others(job, scan):
        st.info(
            "The probe made last was of other latents; it is on the Runs page.",
            icon=":material/labs:",
        )
    elif job_panel(job, on_finished=_result) is None:
        unwatch(PAGE)


def _is_of_others(job: str, scan: ScanState) -> bool:
    """Tell whether a job probed other latents than those in view."""
    record = runner().get(job)
    if record is None or record.verb != "probe" or scan.latents is None:
        return False
    return bool(record.request.get("latents") != places.location(scan.latents))


def _result(record: JobRecord) -> None:
    path = record.folder / "probe_report.json"
    if not path.is_file():
        return  # another page's job is in the URL
    report, predictions = _read(record.run_id, record.ended, record)
    _figures(report)
    if "cross_validation" in report:
        _validation(report)
    for note in report["notes"]:
        st.info(errors.markdown_safe(errors.page_words(note)), icon=":material/info:")
    left, right = st.columns(2, gap="medium")
    areas = {one["name"]: one["roc_auc"] for one in report["by_class"]}
    with left:
        if "sample" not in report:  # so few points make no map
            _map(record, report, predictions)
        _chart(calibration_chart(report["calibration"]), "calibration")
    with right:
        _chart(confusion_chart(report["confusion"], report["classes"], height=460), "confusion")
        _chart(roc_chart(report["roc"], areas), "roc")
    with st.expander("By class", icon=":material/table:"):
        show_table(pd.DataFrame(report["by_class"]))
    with st.container(horizontal=True):
        for name in _names(record):
            size = (record.folder / name).stat().st_size
            download(record.folder, name, size, key=f"probe.get.{name}", label=name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(run: str, ended: object, _record: JobRecord) -> tuple[dict[str, Any], pd.DataFrame]:
    del run, ended  # only part of the cache's key
    report = read_record(_record.folder / "probe_report.json", {})
    table = read_csv(
        _record.folder / "predictions.csv",
        dtype={"label": str, "predicted": str},
        keep_default_na=False,
        na_values={"x": [""], "y": [""]},
        usecols=lambda name: name in ("x", "y", "label", "predicted", "split"),
    )
    return report, table


def _figures(report: dict[str, Any]) -> None:
    baseline, split = report["baseline"], report["split"]
    columns = st.columns(4)
    columns[0].metric(
        "Accuracy",
        f"{report['accuracy']:.3f}",
        f"{report['accuracy'] - baseline['accuracy']:+.3f} to the baseline",
        help=f"The baseline says always the most frequent class: {baseline['accuracy']:.3f}.",
    )
    columns[1].metric(
        "Macro F1",
        f"{report['macro_f1']:.3f}",
        f"{report['macro_f1'] - baseline['macro_f1']:+.3f} to the baseline",
        help="Mean over the classes, each counting alike.",
    )
    area = report["roc_auc"] if report["roc_auc"] is not None else report["roc_auc_macro"]
    columns[2].metric(
        "ROC area",
        "–" if area is None else f"{area:.3f}",
        help="Chance that a sample of the class gets a higher probability than one that isn't; "
        "with more than two classes the mean over them.",
    )
    columns[3].metric(
        "Tested on",
        f"{split['n_test']:,}",
        f"trained on {split['n_train']:,}",
        delta_color="off",
        delta_arrow="off",
        help=f"Split: {errors.markdown_safe(str(split['kind']))}.",
    )


def _validation(report: dict[str, Any]) -> None:
    """Show mean and interval over the folds, chance, and what was held beside."""
    found = report["cross_validation"]
    first = {
        "name": Path(report["latents"]).stem,
        "title": report["title"],
        "summary": found["summary"],
    }
    rows = [_validated_row(one) for one in (first, *found["beside"])]
    show_table(pd.DataFrame(rows))
    chance = found.get("chance")
    said = f"Mean over {found['n_folds']} folds; interval: {found['interval']}."
    if chance is not None:
        parts = [
            f"{name} {chance['mean'][metric]:.3f}, 95 % quantile {chance['upper'][metric]:.3f}, "
            f"p = {chance['p'][metric]:.3g}"
            for metric, name in _SCORES.items()
            if metric in chance["p"]
        ]
        said += f" With labels exchanged {chance['times']} times: {'; '.join(parts)}."
    st.caption(errors.markdown_safe(said))
    if "learning_curve" in found:
        _chart(learning_curve_chart(found["learning_curve"], report["title"]), "learning curve")
    with st.expander("Folds, and how to compute the intervals again", icon=":material/table:"):
        show_table(pd.DataFrame(found["folds"]))
        st.code(found["snippet"], language="python")


def _validated_row(one: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"latents": one["name"], "classifier": one["title"]}
    for metric, said in _SCORES.items():
        if metric in one["summary"]:
            value = one["summary"][metric]
            row[said] = value["mean"]
            if value["low"] is not None:
                row[f"{said}, 95 %"] = f"{value['low']:.3f} … {value['high']:.3f}"
    return row


def _chart(figure: Any, name: str) -> None:
    draw(figure, key=f"probe.{name}", alt=f"{name.partition('.')[0].capitalize()} of the probe")


def _map(record: JobRecord, report: dict[str, Any], table: pd.DataFrame) -> None:
    if "x" not in table.columns:
        return
    names = report["classes"]
    shown = st.segmented_control(
        "Map of", ["predicted", "label", "wrong"], default="predicted", required=True,
        key="probe.map",
        help="Wrong: test samples whose prediction differs from their label.",
    )  # fmt: skip
    grid = ScanGrid.from_coordinates(table["x"].to_numpy(), table["y"].to_numpy())
    values, called = _shown(table, names, str(shown))
    figure = categories_chart(
        values, grid, tones(), name=f"{shown} class" if shown != "wrong" else "test samples",
        names=called, height=fitting_height(grid, 440, most=400),
    )  # fmt: skip
    _chart(figure, f"map.{record.id}")


def _shown(
    table: pd.DataFrame, names: list[str], what: str
) -> tuple[NDArray[np.floating], dict[int, str]]:
    if what == "wrong":
        tested = (table["split"] == "test").to_numpy()
        wrong = (table["label"] != table["predicted"]).to_numpy()
        return np.where(tested, wrong.astype(np.float32), np.nan), {0: "right", 1: "wrong"}
    codes = {name: number for number, name in enumerate(names)}
    values = table[what].map(codes).to_numpy(np.float32)
    return values, dict(enumerate(names))


def _names(record: JobRecord) -> list[str]:
    present = {
        path.name for path in record.folder.iterdir() if path.suffix in (".csv", ".json", ".png")
    }
    rest = sorted(present - {*_FIRST, "run.json"})
    return [*(name for name in _FIRST if name in present), *rest]
