"""How files come into view: each is recognized, and put into its role in the scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from latentcore.containers import SampleSource, ScanGrid, Skipping, match_rows
from latentcore.errors import InputError, MalformedFileError, RequestError, UnknownFormatError
from latentcore.readers.media.files import PICTURES, VIDEOS
from latentcore.settings import settings
from pages.access import folders, pairs, places, uploads
from pages.frame import errors
from pages.frame.units import size_text
from pages.jobs.past_runs import latents_of
from pages.scan import joining, loading, state
from pages.scan.joining import can_join_by_order

_OUTCOMES = "intake_outcomes"
_UPLOADS = "intake_uploads"
_FOLDER = "intake_folder"
_ROLES = {
    "samples": "patterns",
    "latents": "latents",
    "maps": "maps",
    "table": "table of samples",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    message : str
        Its role, or why it can't be used.
    """

    name: str
    message: str = ""
    error: InputError | None = None


@dataclass
class _Batch:
    """Files brought at once, by role."""

    samples: str | None = None
    latents: str | None = None
    maps: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


def uploader() -> None:
    """Offer to upload files; when they are stored, the widget is emptied to free its memory."""
    round_ = st.session_state.setdefault(_UPLOADS, 0)
    files = st.file_uploader(
        "Patterns, maps and latents of one scan, several files at once",
        accept_multiple_files=True,
        max_upload_size=settings().max_upload_mb,
        key=f"upload_{round_}",
        help="HDF5 (vendors' EBSD files too), .ang, .ctf, .up1, .up2, .ebsp, CSV, CSV.gz, parquet, "
        "NPY. Files that belong together come together: patterns and their maps, .cpr and .crc, "
        "NORDIF's Pattern.dat and Setting.txt; a .zspy folder as a zip.",
    )
    if not files:
        return
    st.session_state[_UPLOADS] = round_ + 1
    stored: list[str] = []
    failed: list[Outcome] = []
    with st.spinner(f"Storing {len(files)} files …" if len(files) > 1 else "Storing the file …"):
        for file in files:
            try:
                stored.append(uploads.store_upload(file))
            except InputError as error:
                failed.append(Outcome(file.name, error=error))
    bring_in(stored, failed)
    st.rerun()


def folder_browser() -> None:
    """Offer the server folders that the operator has configured."""
    names = list(places.roots())
    if not names:
        st.info(
            "No server folder is open. The operator names some in `LATENT_DATA_ROOTS` "
            "(separated by `:`) before the start of the server; only files below them can be "
            "opened.",
            icon=":material/folder_off:",
        )
        return
    here = st.session_state.get(_FOLDER, f"folder:{names[0]}")
    try:
        listing = folders.list_folder(here)
    except InputError as error:
        errors.show(error)
        here, listing = f"folder:{names[0]}", folders.list_folder(f"folder:{names[0]}")
    _breadcrumbs(here, names)
    _folders([entry for entry in listing.entries if entry.is_folder])
    files = [entry for entry in listing.entries if not entry.is_folder]
    _files(here, files)
    _as_one_scan(here, listing.entries)
    if listing.left_out:
        st.caption(f"{listing.left_out:,} more entries are not listed: sort them into folders.")


def demo_opener() -> None:
    """Offer the demo scan."""
    st.markdown(
        "A polycrystal of two phases with pores, made by code: Kikuchi patterns from a geometrical "
        "band model, band contrast, element maps, and the truth (grain and phase of each point)."
    )
    st.button("Open the demo scan", icon=":material/science:", on_click=_open_demo)


def bring_in(found: Sequence[str], failed: Iterable[Outcome] = ()) -> None:
    """Recognize files and put each into its role; what can't be used is reported, the rest is kept.

    With patterns among them a new scan begins; else the files join the scan in view, unless they
    don't lie on it.
    """
    report = {outcome.name: outcome for outcome in failed}
    batch = _Batch()
    opened, along = pairs.put_together([*_patterns_without_places(found), *found])
    for place in opened:
        report[place] = _opened(batch, place, found, report)
    for place, head in along.items():
        if report[head].error is None and f"maps of {head}" not in report:
            comes = f"read together with {places.label(head)}"
            report[place] = Outcome(places.label(place), comes)
    if batch.samples or batch.latents or batch.maps or batch.tables:
        _show(batch, report)
    st.session_state[_OUTCOMES] = list(report.values())


def take_outcomes() -> list[Outcome]:
    """Return what became of the files brought last, once."""
    found: list[Outcome] = st.session_state.pop(_OUTCOMES, [])
    return found


def show_outcomes(found: Sequence[Outcome]) -> None:
    """Show what became of each file: what was opened in one line, errors in full."""
    opened = [outcome for outcome in found if outcome.error is None]
    if opened:
        lines = [
            f"**{errors.markdown_safe(outcome.name)}**: {errors.markdown_safe(outcome.message)}"
            for outcome in opened
        ]
        st.success("  \n".join(lines), icon=":material/check_circle:")
    for outcome in found:
        if outcome.error is not None:
            errors.show(outcome.error, outcome.name)


def _patterns_without_places(found: Sequence[str]) -> list[str]:
    """Return the patterns in view where what was brought may be the maps that place them."""
    samples = state.current().samples
    if samples is None or not pairs.may_hold_maps_of(samples, found):
        return []
    try:
        return [samples] if loading.samples(samples).grid is None else []
    except InputError:
        return []


def _opened(
    batch: _Batch, place: str, brought: Sequence[str], report: dict[str, Outcome]
) -> Outcome:
    """Sort a file in; what it lacks beside it is said by its name."""
    try:
        return Outcome(places.label(place), f"opened as {_sort_in(batch, place, report)}")
    except InputError as error:
        lacks = pairs.missing_beside(place, brought)
        if not lacks:
            return Outcome(places.label(place), error=error)
        message = (
            f"{pairs.name_of(place)!r} is read together with {lacks!r}, which isn't there. Open "
            "both at once, or put them into one folder."
        )
        return Outcome(places.label(place), error=RequestError(message))


def _sort_in(batch: _Batch, place: str, report: dict[str, Outcome]) -> str:
    """Open a file once, so that a damaged one is found out here, and file it under its role.

    Patterns are of use without their maps.
    """
    kinds = dict(_kinds_of(place, batch))
    if "samples" in kinds:
        _refuse_damaged(loading.samples(place))
        batch.samples = place
    if "latents" in kinds:
        loading.latents(place)
        batch.latents = place
    if "maps" in kinds:
        try:
            loading.maps(place)
            batch.maps.append(place)
        except InputError as error:
            if "samples" not in kinds:
                raise
            del kinds["maps"]
            report[f"maps of {place}"] = Outcome(f"Maps of {places.label(place)}", error=error)
    elif "table" in kinds:
        loading.table(place)
        batch.tables.append(place)
    return f"{' and '.join(_ROLES[kind] for kind in kinds)} ({', '.join(kinds.values())})"


def _refuse_damaged(source: SampleSource) -> None:
    """Refuse a picture or video that is damaged; of several, others can be looked at."""
    if len(source) == 1 and isinstance(source, Skipping):
        source.read(np.zeros(1, np.int64))
        if source.damaged:
            raise MalformedFileError(source.damaged[0])


def _kinds_of(place: str, batch: _Batch) -> dict[str, str]:
    """Tell what a file holds; a table that names no samples can be joined by order, if asked."""
    try:
        return loading.kinds_of(place)
    except UnknownFormatError:
        latents = batch.latents or state.current().latents
        if latents is None or not can_join_by_order(place, latents):
            raise
        return {"table": "sample-table"}


def _show(batch: _Batch, report: dict[str, Outcome]) -> None:
    scan = state.current()
    fresh = _begins_new_scan(batch, scan)
    base = state.ScanState() if fresh else scan
    wanted = replace(
        base, samples=batch.samples or base.samples, latents=batch.latents or base.latents
    )
    if wanted.samples and wanted.latents and not _is_right(wanted.latents, wanted, report):
        wanted = replace(wanted, latents=None if fresh else scan.latents)
    elif wanted.samples and fresh:
        wanted = replace(wanted, latents=_newest_latents(wanted))
    for place in batch.maps:
        if _is_right(place, wanted, report):
            wanted = replace(wanted, maps=(*wanted.maps, place))
    for place in batch.tables:
        if _has_samples_for(place, wanted, report):
            wanted = replace(wanted, maps=(*wanted.maps, place))
    if wanted == base:
        return
    if fresh and not batch.samples:
        report[""] = Outcome(
            "New scan",
            "these files don't lie on the scan that was in view; they are shown on their own",
        )
    state.choose(samples=wanted.samples, latents=wanted.latents, maps=wanted.maps, keep=wanted.keep)


def _newest_latents(scan: state.ScanState) -> str | None:
    """Return the newest latents that were made of a scan here and can still be opened."""
    assert scan.samples is not None
    for place in latents_of(scan.samples):
        if _is_right(place, replace(scan, latents=place), {}):
            return place
    return None


def _is_right(place: str, scan: state.ScanState, report: dict[str, Outcome]) -> bool:
    """Tell whether a file's points are those of the scan; if not, say so in the report."""
    try:
        if place == scan.latents:
            loading.sample_rows(scan)
        elif not scan.is_empty:
            joining.joined_maps((place,), loading.grid_key(scan), loading.scan_grid(scan))
    except InputError as error:
        report[place] = Outcome(places.label(place), error=error)
        return False
    return True


def _has_samples_for(place: str, scan: state.ScanState, report: dict[str, Outcome]) -> bool:
    """Tell whether a table about samples has some to be about; if not, say so in the report.

    A file of samples may bring its own table; on a scan grid that is no matter of concern.
    """
    if (scan.samples or scan.latents) and loading.scan_grid(scan) is None:
        return True
    if place not in (scan.samples, scan.latents):
        message = (
            f"{places.label(place)!r} is a table about samples that lie on no grid, but the scan "
            "in view lies on a grid, or there is none. Open the latents or samples that it is "
            "about first, or together with it."
        )
        report[place] = Outcome(places.label(place), error=RequestError(message))
    return False


def _open_demo() -> None:
    try:
        state.open_demo()
    except InputError as error:
        st.session_state[_OUTCOMES] = [Outcome("Demo scan", error=error)]


def _begins_new_scan(batch: _Batch, scan: state.ScanState) -> bool:
    if batch.samples and scan.samples:
        return True
    if scan.is_empty:
        return False
    grid = loading.scan_grid(scan)
    return not all(_lies_on(found, grid, whole=scan.is_demo) for found in _grids(batch))


# Some points of two scans coincide by chance: a file joins the scan in view if nearly all points of
# the smaller one have a partner. As coordinates 0, 1, 2 … occur in every scan, it joins the demo
# scan only if it is made of that scan's points.
_SHARE = 0.9


def _grids(batch: _Batch) -> list[ScanGrid | None]:
    grids: list[ScanGrid | None] = [loading.maps(place).grid for place in batch.maps]
    if batch.latents:
        grids.append(loading.latents(batch.latents).grid)
    if batch.samples:
        grids.append(loading.samples(batch.samples).grid)
    return grids


def _lies_on(found: ScanGrid | None, grid: ScanGrid | None, *, whole: bool) -> bool:
    if found is None or grid is None:
        return found is grid
    matched = int((match_rows(found, grid) >= 0).sum())
    if whole:
        return matched == max(len(found), len(grid))
    return matched >= _SHARE * min(len(found), len(grid))


def _breadcrumbs(here: str, names: list[str]) -> None:
    parts = here.removeprefix("folder:").split("/")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if len(names) > 1:
            root = st.selectbox(
                "Server folder", names, index=names.index(parts[0]), label_visibility="collapsed"
            )
            if root != parts[0]:
                _go(f"folder:{root}")
                st.rerun()
        for depth, part in enumerate(parts):
            st.button(
                errors.markdown_safe(part),
                key=f"crumb_{depth}",
                type="tertiary",
                icon=":material/folder_open:" if depth == len(parts) - 1 else None,
                on_click=_go,
                args=("folder:" + "/".join(parts[: depth + 1]),),
            )


def _folders(found: list[folders.Entry]) -> None:
    if not found:
        return
    with st.container(horizontal=True, gap="small"):
        for entry in found:
            st.button(
                errors.markdown_safe(entry.name),
                key=f"folder_{entry.place}",
                icon=":material/folder:",
                on_click=_go,
                args=(entry.place,),
            )


def _files(here: str, files: list[folders.Entry]) -> None:
    if not files:
        st.caption("No files here.")
        return
    sizes = {entry.place: entry.size for entry in files}
    chosen = st.multiselect(
        "Files to open together",
        list(sizes),
        format_func=lambda place: f"{place.rsplit('/', 1)[-1]} · {size_text(sizes[place])}",
        key=f"files_{here}",
        placeholder=f"Choose among {len(files)} files",
    )
    st.button(
        "Open",
        icon=":material/file_open:",
        type="primary",
        disabled=not chosen,
        on_click=bring_in,
        args=(chosen,),
    )


def _as_one_scan(here: str, entries: Sequence[folders.Entry]) -> None:
    """Offer a folder of pictures or videos, or of folders that may hold some, as one scan."""
    endings = (*PICTURES, *VIDEOS)
    media = any(entry.name.lower().endswith(endings) for entry in entries)
    if not media and not (entries and all(entry.is_folder for entry in entries)):
        return
    st.button(
        "Open the whole folder as pictures or videos",
        icon=":material/photo_library:",
        help="Each picture or video in it, and in the folders below it, becomes one sample. "
        "Folders below it part the samples (train, test) or name what is in them.",
        on_click=bring_in,
        args=((here,),),
    )


def _go(place: str) -> None:
    st.session_state[_FOLDER] = place
