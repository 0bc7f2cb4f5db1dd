"""What was recognized: one card each for the patterns, the latents and the maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import streamlit as st

from latentcore.containers import ScanGrid, notes_of
from latentcore.errors import InputError
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import name_of
from pages.scan import joining, loading
from pages.scan.loading import grid_of, samples_word
from pages.scan.state import ScanState, choose, current

Facts = list[tuple[str, str]]
_FINGERPRINT_SHOWN = 12
_NAMES_SHOWN = 6


def cards(scan: ScanState) -> bool:
    """Show what each part of the scan is, or what is wrong with it.

    Returns whether what says where the points lie could be read: patterns and latents, or the
    first map where there are neither. Without it no map can be placed.
    """
    _headline(scan)
    samples, latents, maps = st.columns(3)
    with samples:
        title = "Samples" if not scan.is_empty and grid_of(scan) is None else "Patterns"
        readable = _card(title, ":material/grid_on:", scan.samples, _samples_facts)
    with latents:
        readable &= _card("Latents", ":material/scatter_plot:", scan.latents, _latents_facts)
    with maps:
        first = _maps_card(scan)
    return readable and (first or bool(scan.samples or scan.latents))


def _headline(scan: ScanState) -> None:
    """Name the family that was recognized, and say what can be done with it."""
    place = scan.samples or scan.latents or next(iter(scan.maps), None)
    if place is None:
        return
    try:
        family, grid = loading.family_of(place), loading.scan_grid(scan)
    except InputError:
        return  # the card of that file says what is wrong
    named = [family]
    if grid is not None:
        named += [_size_text(grid), f"step {_step_text(grid)}"]
    st.markdown(f"**{errors.markdown_safe(', '.join(named))}.** {' '.join(_uses(scan, grid))}")


def _uses(scan: ScanState, grid: ScanGrid | None) -> list[str]:
    uses = []
    if scan.samples:
        uses.append(f"Train an encoder on its {samples_word(grid)}, or extract latents with one.")
    if scan.latents:
        uses.append("Explore its latents.")
    if grid is None and scan.maps:
        uses.append("Color and filter its samples by the columns of its tables.")
    elif grid is None:
        uses.append(
            "It has no scan grid, so there are no maps; a table about its samples (lat, lon, ΔT) "
            "gives colors and filters."
        )
    elif scan.maps:
        uses.append("Draw its maps, leave points out by one of them, and color latents by them.")
    return uses


def _row_lengths(grid: ScanGrid) -> tuple[int, ...]:
    """Return the columns of the first row and the second; once, where all rows have as many."""
    lengths = [int(grid.col[grid.row % 2 == odd].max(initial=-1)) + 1 for odd in (0, 1)]
    uneven = grid.hexagonal and min(lengths) > 0 and lengths[0] != lengths[1]
    return tuple(lengths) if uneven else (grid.shape[1],)


def _size_text(grid: ScanGrid) -> str:
    columns = "/".join(map(str, _row_lengths(grid)))
    return f"{'hexagonal, ' * grid.hexagonal}{columns} × {grid.shape[0]} points"


def _step_text(grid: ScanGrid) -> str:
    unit = f" {grid.unit}" if grid.unit else ""
    dx, dy = grid.step
    # Rows of a hexagonal grid are √3/2 of it apart.
    step = f"{dx:g}{unit}" if dx == dy or grid.hexagonal else f"{dx:g} × {dy:g}{unit}"
    return step if unit else f"{step} (unit unknown)"


def _grid_facts(grid: ScanGrid | None) -> Facts:
    """Return what to say about a scan grid."""
    if grid is None:
        return [("scan grid", "none: no coordinates")]
    unit = f" {grid.unit}" if grid.unit else ""
    lengths = _row_lengths(grid)
    nodes = sum(lengths[row % len(lengths)] for row in range(grid.shape[0]))
    gaps = nodes - len(grid)
    return [
        ("scan grid", _size_text(grid)),
        ("x", f"[{grid.x_range[0]:g}, {grid.x_range[1]:g}){unit}"),
        ("y", f"[{grid.y_range[0]:g}, {grid.y_range[1]:g}){unit}"),
        ("step", _step_text(grid)),
        ("gaps", f"{gaps:,} of {nodes:,} nodes" if gaps else "none"),
    ]


def _card(title: str, icon: str, place: str | None, facts: Callable[[str], Facts]) -> bool:
    with st.container(border=True, height="stretch"):
        st.markdown(f"##### {icon} {title}")
        if place is None:
            st.caption(_MISSING[title])
            return True
        st.markdown(f"**{errors.markdown_safe(name_of(place))}**")
        try:
            _choices(place)
            _fact_list([("reader", loading.kind_of(place)[1]), *facts(place)])
            _notes(place)
        except InputError as error:
            errors.show(error)
            return False
    return True


_MISSING = {
    "Samples": "None open. Open the file that these latents were made of above to see what they "
    "look like.",
    "Patterns": "None open. Open an HDF5 file of patterns above to see them, and to extract "
    "latents from them.",
    "Latents": "None yet. Extract them on the Extract page, or open a file of latents above.",
}


def _samples_facts(place: str) -> Facts:
    source = loading.samples(place)
    channels, *frames, height, width = source.sample_shape
    size = f"{height} × {width} px" + (f", {channels} channels" if channels > 1 else "")
    size += f", {frames[0]} frames" if frames else ""
    facts = [
        (samples_word(source.grid), f"{len(source):,}"),
        ("size", size),
        ("values", str(source.dtype)),
    ]
    if source.partition is not None:
        names, counts = np.unique(source.partition, return_counts=True)
        parts = (f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        facts.append(("partitions", ", ".join(parts)))
    return [
        *facts,
        *_grid_facts(source.grid),
        _fingerprint(_content_of(place, loading.version(place))),
    ]


@st.cache_data(max_entries=64, show_spinner="Reading the whole file for its fingerprint …")
def _content_of(place: str, version: str) -> str:
    del version  # part of the key: a changed file is read again
    return loading.samples(place).fingerprint()


def _latents_facts(place: str) -> Facts:
    found = loading.latents(place)
    encoded = int(found.encoded.sum())
    left = len(found) - encoded
    facts = [
        ("latents", f"{encoded:,}" + (f", {left:,} not encoded" if left else "")),
        ("dimensions", _dims(found.dims)),
    ]
    return [*facts, *_grid_facts(found.grid), _fingerprint(found.fingerprint)]


def _dims(dims: np.ndarray) -> str:
    if len(dims) == int(dims.max()) + 1:
        return f"{len(dims)}"
    shown = ", ".join(map(str, dims[:4].tolist()))
    return f"{len(dims)} of the model's: {shown}" + (", …" if len(dims) > 4 else "")


def _choices(place: str) -> None:
    """Let choose among what a file holds several of: its scans, a volume's slices."""
    plain = places.without_options(place)
    chosen = dict(part.split("=", 1) for part in place[len(plain) + 1 :].split(",") if part)
    for option, values in loading.choices(place).items():
        known = {value.lower(): value for value in values}
        now = known.get(chosen.get(option, "").lower(), values[0])
        st.selectbox(
            errors.markdown_safe(option.capitalize()),
            values,
            index=values.index(now),
            key=f"choice_{option}_{place}",
            on_change=_take_other,
            args=(place, plain, chosen, option),
            format_func=lambda value: value or "choose one",
            help="The file holds several.",
        )


def _take_other(place: str, plain: str, chosen: Mapping[str, str], option: str) -> None:
    """Put what was chosen in the place of what is in view, as samples and as maps."""
    picked = {**chosen, option: st.session_state[f"choice_{option}_{place}"]}
    text = ",".join(f"{name}={value}" for name, value in picked.items() if value)
    scan, other = current(), f"{plain}@{text}" if text else plain
    choose(
        samples=other if scan.samples == place else scan.samples,
        maps=tuple(other if one == place else one for one in scan.maps),
    )


def _notes(place: str) -> None:
    """Show the reader's notes about a file."""
    if loading.kind_of(place)[0] == "samples":
        _show(notes_of(loading.samples(place)))


def _show(notes: Iterable[str]) -> None:
    for note in notes:
        st.caption(f":material/info: {errors.markdown_safe(note)}")


def _maps_card(scan: ScanState) -> bool:
    """Show what the maps are; says whether the first of them, if there is one, could be read."""
    wrong = set()
    on_grid = scan.is_empty or grid_of(scan) is not None
    with st.container(border=True, height="stretch"):
        st.markdown("##### :material/layers: Maps" if on_grid else "##### :material/table: Tables")
        if not scan.maps:
            st.caption(_NO_MAPS if on_grid else _NO_TABLES)
        for place in scan.maps:
            st.markdown(f"**{errors.markdown_safe(name_of(place))}**")
            try:
                if place != scan.samples:
                    _choices(place)
                _fact_list(_maps_facts(place, scan))
                if place != scan.samples and not loading.is_table(place):
                    _show(loading.maps(place).notes)
            except InputError as error:
                wrong.add(place)
                errors.show(error)
                st.button(
                    "Take out of view",
                    key=f"take_out_{place}",
                    icon=":material/layers_clear:",
                    on_click=_take_out,
                    args=(place,),
                )
    return wrong.isdisjoint(scan.maps[:1])


_NO_MAPS = (
    "None open. Open CSV or parquet tables with x, y and value columns above: band contrast, "
    "elements, phases."
)
_NO_TABLES = (
    "None open. Open a CSV or parquet table about the samples above: a column that names them "
    "(sample_id, or partition and row) and columns of values."
)


def _table_facts(place: str) -> Facts:
    table = loading.table(place)
    named = "named" if table.sample_ids is not None else "not named: to be joined by order"
    return [
        ("columns", _names(table.names)),
        ("rows", f"{len(table):,}"),
        ("samples", named),
        _fingerprint(table.fingerprint),
    ]


def _maps_facts(place: str, scan: ScanState) -> Facts:
    if grid_of(scan) is None and loading.is_table(place):
        return _table_facts(place)
    table = loading.maps(place)
    facts = [("maps", _names(table.names)), ("points", f"{len(table.grid):,}")]
    if table.euler_convention:
        facts.append(("Euler angles", table.euler_convention))
    if table.dropped:
        facts.append(("left out", f"{table.dropped:,} rows without numbers"))
    grid = loading.scan_grid(scan)
    missing = joining.joined_maps((place,), loading.grid_key(scan), grid).unmatched[place]
    if missing and grid is not None:
        facts.append(("missing", f"{missing:,} of {len(grid):,} scan points"))
    return facts


def _take_out(place: str) -> None:
    choose(maps=tuple(other for other in current().maps if other != place))


def _fingerprint(text: str) -> tuple[str, str]:
    kind, _, digest = text.partition(":")
    return ("fingerprint", f"{(digest or kind)[:_FINGERPRINT_SHOWN]}…")


def _fact_list(facts: Facts) -> None:
    st.table(
        {
            "": [errors.markdown_safe(name) for name, _ in facts],
            " ": [errors.markdown_safe(value) for _, value in facts],
        },
        border="horizontal",
        hide_index=True,
        hide_header=True,
    )


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
