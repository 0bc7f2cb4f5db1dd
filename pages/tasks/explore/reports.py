"""A session report given back: the same files, the same question, the same view."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.analysis.selection import Shape
from latentcore.artifacts.region_files import LARGEST, regions_of
from latentcore.containers import RegionSet
from latentcore.errors import InputError, MalformedFileError
from latentcore.storage import content_fingerprint
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import name_of
from pages.regions.kept import bring
from pages.scan import loading, state
from pages.scan.state import ScanState
from pages.view import session
from pages.view.question import Question

# Its regions may take as much as a file of regions.
_MOST_BYTES = LARGEST + 20_000_000
_UPLOADER = "explore_report"


def reopen() -> None:
    """Ask for a report, and open its view."""
    st.markdown("**Re-open a session report**")
    generation = st.session_state.get(_UPLOADER, 0)
    given = st.file_uploader(
        "session_report.json", type="json", key=f"explore.report.{generation}",
        label_visibility="collapsed",
    )  # fmt: skip
    if given is None:
        return
    try:
        scan, question = read_report(given.getvalue())
        regions = _regions(given.getvalue())
    except InputError as error:
        errors.show(error)
        return
    state.choose(samples=scan.samples, maps=scan.maps, latents=scan.latents, keep=scan.keep)
    assert scan.latents is not None
    if regions is not None:
        try:
            _, ids = bring(loading.latents(scan.latents), regions, "open a report")
            question = _under(ids, question)
        except InputError as error:
            errors.show(error)
            return
    session.replace_question(question, loading.version(scan.latents))
    # A fresh uploader: else the report would be opened again at every rerun.
    st.session_state[_UPLOADER] = generation + 1
    st.rerun()


def read_report(content: bytes) -> tuple[ScanState, Question]:
    """Read what ``session_report.json`` says of its view, and check that its files are the same.

    The content may come from anybody. Raises `InputError` if it is no such report, or a file is
    gone or has changed.
    """
    report = _parsed(content)
    view = report["view"]
    scan, question = _scan(view["scan"]), Question.from_plain(view["question"])
    if scan.latents is None:
        message = "The report names no latents, so there is nothing to explore."
        raise MalformedFileError(message)
    for place in scan.places:
        places.check(place)
    _check_latents(scan.latents, report)
    return scan, question


def _regions(content: bytes) -> RegionSet | None:
    """Return the regions of a report that `read_report` has read; None where it has none."""
    plain = json.loads(content).get("regions")
    return None if plain is None else regions_of(json.dumps(plain), "The report")


def _under(ids: Mapping[str, str], question: Question) -> Question:
    """Return a question that names regions by the ids that they have here."""
    panels = {f"region-{old}": f"region-{new}" for old, new in ids.items()}

    def under(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return tuple(replace(one, panel=panels.get(one.panel, one.panel)) for one in shapes)

    return question.changed(
        selections={slot: under(shapes) for slot, shapes in question.selections.items()},
        only=tuple(map(under, question.only)),
    )


def _parsed(content: bytes) -> Mapping[str, Any]:
    try:
        report = json.loads(content[:_MOST_BYTES])
        known = report["encoding-type"] == "latentcore-session" and "scan" in report["view"]
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        message = (
            "This is no session report of an Explore page. "
            "Give the session_report.json that its Download tab made."
        )
        raise MalformedFileError(message)
    return report  # type: ignore[no-any-return]


def _scan(plain: Mapping[str, Any]) -> ScanState:
    try:
        keep = plain.get("keep")
        return ScanState(
            samples=plain.get("samples"),
            maps=tuple(str(place) for place in plain.get("maps", ())),
            latents=plain.get("latents"),
            keep=None if keep is None else (str(keep[0]), float(keep[1])),
        )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        message = "The report doesn't say which files were open. Was it edited?"
        raise MalformedFileError(message) from error


def _check_latents(place: str, report: Mapping[str, Any]) -> None:
    path: Path = places.resolve(place)
    found, wanted = content_fingerprint(path), report.get("latents_fingerprint")
    if found != wanted:
        message = (
            f"The latents {name_of(place)!r} have changed since the report was made.\n"
            f"Their fingerprint is {found}, the report's is {wanted}.\n"
            "Numbers would differ: open the file that the report was made of."
        )
        raise MalformedFileError(message)
