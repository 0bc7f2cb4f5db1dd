"""What every registered reader must keep to, on a tiny file of its own layout."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from latentcore import readers
from latentcore.containers import LatentSet, SampleSource, ScanGrid, ScanMaps
from latentcore.errors import InputError, RequestError
from latentcore.readers._peek import Peek
from latentcore.workflows import execute
from latentcore.workflows.inspect import InspectRequest
from tests.factories.kikuchi import full_grid
from tests.factories.layouts import LAYOUTS, Layout

FAMILIES = {
    "samples": readers.SAMPLES_READERS,
    "latents": readers.LATENTS_READERS,
    "maps": readers.MAPS_READERS,
}
OPENERS = {
    "samples": readers.open_samples,
    "latents": readers.open_latents,
    "maps": readers.open_maps,
}
INSPECT_KEYS = {
    "location", "reader", "kind", "n_samples", "sample_shape", "dtype", "partitions", "grid",
    "maps", "fingerprint",
}  # fmt: skip
COORDS = full_grid(5, 4)
VALUES = (np.arange(20) * 7 % 20 + 1).astype(np.float32)


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


def _write(
    layout: Layout, folder: Path, order: NDArray[np.int64] | None = None, **changes: float
) -> Path:
    folder.mkdir(exist_ok=True)
    order = np.arange(20) if order is None else order
    values = VALUES.copy()
    values[3] = changes.get("third", values[3])
    path = folder / layout.file_name
    layout.write(path, COORDS[order], values[order])
    return path


def _open(layout: Layout, path: Path) -> SampleSource | LatentSet | ScanMaps:
    return OPENERS[layout.kind](path, **layout.options(path))


def _values(opened: SampleSource | LatentSet | ScanMaps) -> NDArray[np.generic]:
    if isinstance(opened, LatentSet):
        return opened.values[:, 0]
    if isinstance(opened, ScanMaps):
        return opened.values[0]
    with opened:
        return opened.read(slice(None)).reshape(len(opened), -1)[:, 0]


def _fingerprint(opened: SampleSource | LatentSet | ScanMaps) -> str:
    if isinstance(opened, LatentSet | ScanMaps):
        return opened.fingerprint
    with opened:
        return opened.fingerprint()


def test_every_reader_has_a_layout() -> None:
    assert {name for family in FAMILIES.values() for name in family.names()} == set(LAYOUTS)


def test_reader_says_what_it_reads(layout: Layout) -> None:
    reader = FAMILIES[layout.kind].get(layout.reader)
    assert reader.description.endswith(".")
    assert reader.wants


def test_file_is_recognized_by_one_reader_of_its_family(layout: Layout, tmp_path: Path) -> None:
    path = _write(layout, tmp_path)
    peek = Peek(path, layout.options(path))
    mine = [name for name, reader in FAMILIES[layout.kind].items() if reader.recognizes(peek)]
    assert mine == [layout.reader]


def test_file_is_what_its_layout_says_and_nothing_else(layout: Layout, tmp_path: Path) -> None:
    path = _write(layout, tmp_path)
    assert readers.recognize_all(path) == {layout.kind: layout.reader, **layout.also}
    kind, reader = readers.recognize(path)
    assert {layout.kind: layout.reader, **layout.also}[kind] == reader


def test_values_and_length_are_those_written(layout: Layout, tmp_path: Path) -> None:
    values = _values(_open(layout, _write(layout, tmp_path)))
    np.testing.assert_array_equal(values, VALUES)


def test_reference_opens_the_same_again(layout: Layout, tmp_path: Path) -> None:
    opened = _open(layout, _write(layout, tmp_path))
    assert opened.ref is not None
    assert opened.ref.reader == layout.reader
    again = FAMILIES[layout.kind].get(opened.ref.reader).open(opened.ref)
    np.testing.assert_array_equal(_values(again), _values(opened))


def test_grid_places_each_value(layout: Layout, tmp_path: Path) -> None:
    opened = _open(layout, _write(layout, tmp_path))
    if not layout.has_grid:
        assert opened.grid is None
        _values(opened)
        return
    grid = opened.grid
    assert isinstance(grid, ScanGrid)
    values = _values(opened)
    field = grid.to_map(values)
    assert field.shape == (4, 5)
    np.testing.assert_array_equal(grid.from_map(field), values)
    np.testing.assert_array_equal(field, VALUES.reshape(4, 5))


@pytest.mark.parametrize(
    "layout", [one for one in LAYOUTS.values() if one.any_order], ids=lambda one: one.reader
)
def test_row_order_in_the_file_does_not_matter(layout: Layout, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(20)
    opened = _open(layout, _write(layout, tmp_path, order))
    grid = opened.grid
    assert grid is not None
    np.testing.assert_array_equal(grid.to_map(_values(opened)), VALUES.reshape(4, 5))


def test_fingerprint_follows_the_content(layout: Layout, tmp_path: Path) -> None:
    first, same, other = (
        _fingerprint(_open(layout, _write(layout, tmp_path / name, third=value)))
        for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0))
    )
    assert first == same != other


@pytest.mark.parametrize(
    "layout", [one for one in LAYOUTS.values() if one.kind == "samples"], ids=lambda one: one.reader
)
def test_any_rows_are_read_in_any_order(layout: Layout, tmp_path: Path) -> None:
    with readers.open_samples(_write(layout, tmp_path), **layout.options(tmp_path)) as samples:
        whole = samples.read(slice(None))
        assert whole.dtype == samples.dtype
        assert whole.shape == (20, *samples.sample_shape)
        for rows in (slice(3, 11), slice(19, 2, -4), slice(7, 7)):
            np.testing.assert_array_equal(samples.read(rows), whole[rows])
        for chosen in ([19, 0, 7, 7, 3], [], [5]):
            numbers = np.array(chosen, np.int64)
            np.testing.assert_array_equal(samples.read(numbers), whole[numbers])
        for senseless in (np.array([20]), np.array([-1]), np.ones(20, np.bool_)):
            with pytest.raises(RequestError):
                samples.read(senseless)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_truncated_copy_is_reported(layout: Layout, share: float, tmp_path: Path) -> None:
    path = _write(layout, tmp_path)
    damaged = _largest(path)
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(len(content) * share)])
    values = _read_unless_refused(layout, path)
    if values is not None and not layout.cut_is_shorter:
        np.testing.assert_array_equal(values, VALUES)  # else a part would pass for the whole


@pytest.mark.parametrize("seed", range(12))
def test_bit_flipped_copy_is_reported_or_read(layout: Layout, seed: int, tmp_path: Path) -> None:
    path = _write(layout, tmp_path)
    damaged = _largest(path)
    content = bytearray(damaged.read_bytes())
    rng = np.random.default_rng(seed)
    # The first kilobytes hold most of what a format says of itself.
    for place in rng.integers(0, min(len(content), 1 << 12) if seed % 2 else len(content), 4):
        content[place] ^= 1 << int(rng.integers(8))
    damaged.write_bytes(bytes(content))
    _read_unless_refused(layout, path)
    with suppress(InputError):
        readers.recognize_all(path)


def _largest(path: Path) -> Path:
    """Return the file, or the largest one of a folder."""
    if path.is_file():
        return path
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    return max(files, key=lambda file: file.stat().st_size)


def _read_unless_refused(layout: Layout, path: Path) -> NDArray[np.generic] | None:
    """Open a damaged file by name and read it whole; None where that ended in a clear message.

    Anything but an error on purpose fails the test.
    """
    try:
        return _values(OPENERS[layout.kind](path, reader=layout.reader, **layout.options(path)))
    except InputError as error:
        assert len(str(error)) > 20
        return None


def test_inspect_has_the_keys_of_the_contract(layout: Layout, tmp_path: Path) -> None:
    path = _write(layout, tmp_path)
    reader = layout.reader if layout.also else None  # else the first kind of several is told
    summary = execute("inspect", InspectRequest(str(path), reader=reader, **layout.options(path)))
    assert summary.keys() >= INSPECT_KEYS
    assert summary["kind"] == layout.kind
    assert summary["reader"] == layout.reader
    assert summary["n_samples"] == 20
    if layout.has_grid:
        assert summary["grid"] == {
            "kind": "square", "shape": [4, 5], "x_range": [0.0, 5.0], "y_range": [0.0, 4.0],
            "step": [1.0, 1.0], "unit": layout.unit,
        }  # fmt: skip
