"""One run in full: how it was made, what it left, and how to make it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.artifacts import read_run
from latentcore.artifacts.run_label import LONGEST_NAME, LONGEST_NOTE, RunLabel
from latentcore.errors import InputError, LatentError
from latentcore.jobs import JobRecord, command_line, request_from
from pages.access import claims, labels, places
from pages.frame import errors, navigation
from pages.frame.tables import told
from pages.frame.units import size_text
from pages.jobs.latents_names import name_of
from pages.jobs.panel import job_panel, runner
from pages.people import sharing
from pages.results import run_files
from pages.results.run_list import Entry
from pages.results.verb_files import offer_export_of_run

_MOST_FILES = 60


def details(entry: Entry) -> None:
    """Show a job or a run."""
    if not entry.access:
        _for_operators(entry)
        return
    if entry.note:
        st.markdown("  \n".join(map(errors.markdown_safe, entry.note.split("\n"))))
    if entry.damage and entry.job is None:
        errors.show(LatentError(entry.damage))
        _delete(entry)
        return
    if entry.job is not None:
        job_panel(entry.job.id, on_finished=_finished_actions)
    else:
        with st.container(border=True):
            st.markdown(f"**{errors.markdown_safe(entry.title)}**")
            _run_actions(entry)
    run = read_run(entry.folder)
    names = ["Provenance", "Command"]
    if run is not None:
        names.insert(0, "Files")
    if entry.job is not None:
        names.append("Log")
    tabs = dict(zip(names, st.tabs(names), strict=True))
    if run is not None:
        with tabs["Files"]:
            files(entry.folder, run)
            offer_export_of_run(entry.folder, run, key=f"export_{entry.key}", panel=False)
    with tabs["Provenance"]:
        _provenance(run, entry.job)
    with tabs["Command"]:
        _command(entry, run)
    if entry.job is not None:
        with tabs["Log"]:
            st.code(
                _without_paths(runner().log_text(entry.job.id)) or "Nothing yet.", language=None
            )
    _actions(entry, run)


def _actions(entry: Entry, run: Mapping[str, Any] | None) -> None:
    with st.container(horizontal=True):
        if entry.access in ("write", "own"):
            _rename(entry)
        if entry.access == "own":
            sharing.share_button(
                "run", entry.folder.name, with_it=_made_of(run), address=f"runs?run={entry.key}"
            )
            _delete(entry)


def _for_operators(entry: Entry) -> None:
    """Show what is known of a run without looking into it."""
    if entry.job is not None and entry.job.active:
        job_panel(entry.job.id)
    whose = ", ".join(entry.owners) or "nobody: it was made before people signed in"
    st.caption(
        f"{errors.markdown_safe(entry.folder.name)} belongs to {errors.markdown_safe(whose)}. What "
        "is in it is shown to those only with whom it is shared."
    )
    with st.container(horizontal=True):
        if not entry.owners:
            made_of = _made_of(read_run(entry.folder))
            sharing.give_button([("run", entry.folder.name), *made_of])
        _delete(entry)


def _made_of(run: Mapping[str, Any] | None) -> list[claims.Thing]:
    """Return what a run was made of that is somebody's own."""
    found = []
    for entry in (run or {}).get("inputs", ()):
        with suppress(InputError):
            parts = places.parts_of(places.place_of(entry["location"]))
            found += [thing for part in parts if (thing := claims.thing_at(part))]
    return found


def _finished_actions(record: JobRecord) -> None:
    run = read_run(record.folder) or {}
    with st.container(horizontal=True):
        _explore(record.folder, run)
        if record.verb == "batch":
            navigation.link("batch", "See its inputs", query_params={"job": record.id})
        st.button(
            "Run again",
            key=f"rerun_{record.id}",
            icon=":material/replay:",
            disabled=not runner().may_change(record),
            on_click=_again,
            args=(record.id,),
            help="Computes it anew and replaces the files.",
        )


def _run_actions(entry: Entry) -> None:
    run = read_run(entry.folder) or {}
    with st.container(horizontal=True):
        _explore(entry.folder, run)
        st.button(
            "Run again",
            key=f"rerun_{entry.key}",
            icon=":material/replay:",
            disabled=entry.access == "read",
            on_click=_submit,
            args=(entry, run),
            help="Asks the same question as a job with a folder of its own.",
        )


def _explore(folder: Path, run: Mapping[str, Any]) -> None:
    for place in run_files.latents_in(run, folder):
        run_files.open_in_explore(place, run, key=f"explore_{place}")


def _again(job: str) -> None:
    try:
        runner().rerun(job)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")


def _submit(entry: Entry, run: Mapping[str, Any]) -> None:
    try:
        if claims.access("run", entry.folder.name) != "own":
            # Whoever asks has the run then, so they ask for nothing that is closed to them.
            for used in run.get("inputs", ()):
                places.check_owner(places.place_of(used["location"]))
        request = request_from(entry.verb, run.get("request", {}))
        st.query_params["run"] = runner().submit(entry.verb, request, title=entry.verb).id
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")


def files(folder: Path, run: Mapping[str, Any]) -> None:
    """Show a run's files, each with its checksum, and offer them."""
    found: Mapping[str, Mapping[str, Any]] = run.get("files", {})
    for name, entry in list(found.items())[:_MOST_FILES]:
        title, size, digest, button = st.columns([4, 1, 8, 2], vertical_alignment="center")
        title.markdown(f"**{errors.markdown_safe(name)}**")
        size.caption(size_text(entry["bytes"]))
        digest.caption(f"sha256 {errors.markdown_safe(str(entry['sha256']))}")
        with button:
            run_files.download(folder, name, entry["bytes"], key=f"get_{folder.name}_{name}")
    if len(found) > _MOST_FILES:
        st.caption(f"{len(found) - _MOST_FILES} more files are in the archive.")
    run_files.download_all(folder, found, key=f"zip_{folder.name}")


def _provenance(run: Mapping[str, Any] | None, job: JobRecord | None) -> None:
    if run is None:
        st.caption("The run is not finished: this is what was asked.")
        _parameters(job.request if job is not None else {})
        return
    inputs = run.get("inputs", [])
    if inputs:
        st.markdown("**Inputs**")
        _frame(
            {
                "Role": [entry["role"] for entry in inputs],
                "File": [_shown(entry["location"]) for entry in inputs],
                "Reader": [entry["reader"] for entry in inputs],
                "Fingerprint": [entry["fingerprint"] for entry in inputs],
            }
        )
    st.markdown("**Parameters**")
    _parameters(run.get("request", {}))
    st.markdown("**Made with**")
    made = {"run id": run.get("run_id"), "time (UTC)": run.get("created"), "seed": run.get("seed")}
    parents = {"parent runs": ", ".join(run.get("parents", ()))} if run.get("parents") else {}
    _pairs({**made, **parents, **run.get("versions", {})})


def _parameters(request: Mapping[str, Any]) -> None:
    _pairs({name: value for name, value in request.items() if value not in (None, [], "")})


def _pairs(values: Mapping[str, Any]) -> None:
    _frame({"Name": list(values), "Value": [_shown(value) for value in values.values()]})


def _frame(columns: Mapping[str, list[Any]]) -> None:
    frame = pd.DataFrame(columns, dtype=str)
    st.dataframe(frame, hide_index=True, alt=told(frame))


def _shown(value: Any) -> str:
    """Write a value; a file is called by its label, never by its path on the server."""
    if isinstance(value, str):
        return _label(value)
    if isinstance(value, list):
        return " ".join(_shown(entry) for entry in value)
    return json.dumps(value)


def _label(text: str) -> str:
    path, colon, column = text.rpartition(":")
    if not (colon and _is_location(path)):
        path, column = text, ""
    if not _is_location(path):
        return text
    try:
        name = name_of(places.place_of(path))
    except InputError:
        name = Path(path).name
    return f"{name}, {column}" if column else name


def _is_location(text: str) -> bool:
    return text.startswith(("/", "s3://"))


def _command(entry: Entry, run: Mapping[str, Any] | None) -> None:
    plain = entry.job.request if entry.job is not None else (run or {}).get("request", {})
    try:
        request = request_from(entry.verb, {name: _public(plain[name]) for name in plain})
        command = command_line(entry.verb, request, entry.folder.name)
    except InputError as error:
        errors.show(error)
        return
    st.caption("The same on the command line of the server:")
    st.code(command, language="bash", wrap_lines=True)


def _public(value: Any) -> Any:
    """Take the folders off a path that lies outside of what this server may show."""
    if isinstance(value, list):
        return [_public(entry) for entry in value]
    if not isinstance(value, str) or not _is_location(value):
        return value
    path, colon, _ = value.rpartition(":")
    try:
        places.place_of(path if colon and _is_location(path) else value)
    except InputError:
        return Path(value).name
    return value


def _without_paths(text: str) -> str:
    """Leave tracebacks to the server's own log: they name files and settings of the server."""
    kept, inside = [], False
    for line in text.splitlines():
        inside = line.startswith("Traceback") or (inside and not line[:4].isdigit())
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def _rename(entry: Entry) -> None:
    """Ask for a name and a note; they lie beside the run's record, which stays as it is."""
    if not (entry.folder / "run.json").is_file() or entry.damage:
        return
    kept = labels.read(entry.folder)
    name, note = (f"{field}_of_{entry.key}" for field in ("name", "note"))
    with (
        st.popover("Name and note", icon=":material/edit_note:"),
        st.form(f"label_of_{entry.key}", border=False),
    ):
        st.text_input(
            "Name",
            kept.name,
            max_chars=LONGEST_NAME,
            key=name,
            placeholder=entry.title,
            help="Latents are called so on all pages. Empty for the name that they come with.",
        )
        st.text_area("Note", kept.note, max_chars=LONGEST_NOTE, key=note)
        st.form_submit_button(
            "Keep", icon=":material/check:", on_click=_keep_label, args=(entry, name, note)
        )


def _keep_label(entry: Entry, name: str, note: str) -> None:
    label = RunLabel(st.session_state[name] or "", st.session_state[note] or "")
    if claims.access("run", entry.folder.name) not in ("write", "own"):
        return  # it was shared until just now
    try:
        labels.write(entry.folder, label)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")


def _delete(entry: Entry) -> None:
    if entry.job is not None and entry.job.active:
        return
    with st.popover("Delete", icon=":material/delete:"):
        size = f"Its files, {size_text(entry.size)}, are" if entry.size else "It is"
        st.write(f"{size} removed from the server and can't be brought back.")
        st.button(
            "Delete for good",
            key=f"delete_{entry.key}",
            type="primary",
            icon=":material/delete_forever:",
            on_click=_delete_now,
            args=(entry,),
        )


def _delete_now(entry: Entry) -> None:
    try:
        if entry.folder.parent == places.jobs_folder():
            runner().forget(entry.folder.name)
        elif entry.job is None:
            runner().delete_run(entry.folder)
        else:
            runner().forget(entry.job.id, delete_run=True)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")
        return
    st.query_params.pop("run", None)
