"""Which inputs: latents of earlier runs, files of a server folder, or lines of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import streamlit as st

from latentcore.errors import InputError, RequestError
from pages.access import claims, folders, locations, places, s3
from pages.frame import errors

_RUNS, _FOLDER, _LINES = "Earlier runs", "Server folder", "Lines of text"
_FITTING, _CHOSEN = "All that fit a pattern", "Some of them"
_MOST_LATENTS = 1000
_MOST_NAMED = 4


def choose_inputs(key: str, *, latents: bool) -> tuple[str, ...]:
    """Ask for the inputs; empty as long as there are none, with the reason.

    Parameters
    ----------
    latents : bool
        Whether the verb takes latents: then those of earlier runs are offered first.

    Returns
    -------
    tuple of str
        Paths that come from places, and URLs in offered buckets.
    """
    ways = ([_RUNS] if latents else []) + ([_FOLDER] if places.roots() else []) + [_LINES]
    way = st.segmented_control(
        "Inputs from", ways, default=ways[0], required=True, key=f"{key}.way.{latents}",
        persist_state="session",
    )  # fmt: skip
    try:
        if way == _LINES:
            found = _ask_lines(key)
        elif way == _RUNS:
            found = _resolved(_ask_which(f"{key}.runs", latents_of_runs(), "*_latents.h5"))
        else:
            found = _resolved(_ask_folder(key))
    except InputError as error:
        errors.show(error)
        return ()
    if len(found) > locations.MOST_INPUTS:
        errors.show(RequestError(f"{len(found):,} inputs are more than a batch takes."))
        return ()
    return tuple(found)


def latents_of_runs() -> dict[str, str]:
    """Return the latents that runs have left, place → what to call them; the newest run first."""
    folder = places.runs_folder()
    if not folder.is_dir():
        return {}
    made: dict[Path, float] = {}
    for depth in ("*", "*/*"):  # a run's, and those of a batch's inputs
        for file in folder.glob(f"{depth}/*_latents.h5"):
            inside = file.relative_to(folder)
            if not claims.access("run", inside.parts[0], listed=True):
                continue
            if file.is_file() and (file.parent / "run.json").is_file():
                made[inside] = file.stat().st_mtime
    last: dict[str, float] = {}
    for file, changed in made.items():
        last[file.parts[0]] = max(changed, last.get(file.parts[0], 0.0))
    listed = sorted(
        (file for file in made if not any(part.startswith(".") for part in file.parts)),
        key=lambda file: (-last[file.parts[0]], file),
    )
    return {f"run:{file.as_posix()}": _title(file, made[file]) for file in listed[:_MOST_LATENTS]}


def _title(file: Path, changed: float) -> str:
    made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(changed))
    return f"{file.name} · {file.parts[0]} · {made}"


def _ask_lines(key: str) -> list[str]:
    buckets = s3.offered()
    example = f"s3://{buckets[0]}/series/" if buckets else "folder:measured/scan_*.h5"
    text = st.text_area(
        "One input on each line",
        key=f"{key}.lines",
        height=120,
        placeholder=f"folder:measured/scan_01.h5\n{example}",
        help="Places as the address bar shows them: `folder:NAME/PATH`, `run:RUN/FILE`, "
        "`demo:demo.h5`; the last part may be a pattern with `*`. "
        + (
            "`s3://BUCKET/PREFIX/` means all objects below it. Buckets: "
            + errors.markdown_safe(", ".join(buckets))
            if buckets
            else "This server offers no bucket on S3."
        ),
        persist_state="session",
    )
    found = locations.from_lines(text)
    if found:
        _report([locations.shown(location) for location in found], len(found), "named")
    return found


def _ask_folder(key: str) -> list[str]:
    here = _walk(key)
    listing = folders.list_folder(here)
    files = {entry.place: entry.name for entry in listing.entries if not entry.is_folder}
    if listing.left_out:
        st.caption(
            f"{listing.left_out:,} more entries can't be chosen here: sort them into folders, or "
            "use the command line."
        )
    if not files:
        st.caption("No files in this folder.")
        return []
    return _ask_which(f"{key}.files.{here}", files, "*")


def _walk(key: str) -> str:
    """Ask for a server folder; choosing one shows those below it."""
    field = f"{key}.folder"
    first = f"folder:{next(iter(places.roots()))}"
    here = st.session_state.setdefault(field, first)
    try:
        entries = folders.list_folder(here).entries
    except InputError:  # moved since
        here, entries = first, folders.list_folder(first).entries
    up = here.rsplit("/", 1)[0] if "/" in here else None
    ways = [here, *([up] if up else [f"folder:{name}" for name in places.roots()])]
    ways += [entry.place for entry in entries if entry.is_folder]
    chosen: str = st.selectbox(
        "Server folder",
        list(dict.fromkeys(ways)),
        format_func=lambda place: f"↑ {_name(place)}" if place == up else _name(place),
        key=f"{field}.{here}",
    )
    if chosen != here:
        st.session_state[field] = chosen
        st.rerun()
    return str(here)


def _name(place: str) -> str:
    return place.removeprefix("folder:")


def _ask_which(key: str, titles: dict[str, str], pattern: str) -> list[str]:
    """Ask which of some files: those whose names fit, or one by one."""
    if not titles:
        st.caption("No run has left latents yet: extract some first.")
        return []
    how = st.segmented_control(
        "Which", (_FITTING, _CHOSEN), default=_FITTING, required=True, key=f"{key}.which",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if how == _CHOSEN:
        return st.multiselect(
            "Files", list(titles), format_func=titles.__getitem__, key=f"{key}.some",
            placeholder=f"Choose among {len(titles)}", persist_state="session",
        )  # fmt: skip
    pattern = st.text_input(
        "Names that fit", pattern, key=f"{key}.pattern", persist_state="session",
        help="`*` stands for any letters, `?` for one: `scan_*.h5`.",
    ).strip()  # fmt: skip
    found = [place for place in titles if fnmatchcase(place.rsplit("/", 1)[-1], pattern)]
    fit = "fits" if len(found) == 1 else "fit"
    _report([place.rsplit("/", 1)[-1] for place in found], len(titles), fit)
    return found


def _report(names: Sequence[str], among: int, how: str) -> None:
    listed = ", ".join(map(errors.markdown_safe, names[:_MOST_NAMED]))
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    total = f" of {among:,}" if among != len(names) else ""
    st.caption(f"**{len(names):,}**{total} {how}{': ' if names else '.'}{listed}{more}")


def _resolved(chosen: Sequence[str]) -> list[str]:
    return [places.local_location(place) for place in chosen]
