"""Open what the field's tools write, whatever the format.

Four families by what they return: `samples`, `latents`, `maps` and `tables`. A reader is one file
in its family's folder: a class with ``description`` and ``wants`` (one sentence each), a question
``recognizes(peek)`` and an ``open(ref)``, under a registered name. For the file of an EBSD vendor,
one declaration in `ebsd` gives a reader of its patterns and one of its maps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from latentcore.containers import LatentSet, SampleSource, SampleTable, ScanMaps, SourceRef
from latentcore.errors import (
    LatentError,
    MalformedFileError,
    RequestError,
    UnknownFormatError,
    cause,
)
from latentcore.readers._peek import Peek
from latentcore.readers.media.files import PICTURES, VIDEOS
from latentcore.registry import Registry
from latentcore.storage import local_path, split_options

__all__ = [
    "LATENTS_READERS",
    "MAPS_READERS",
    "SAMPLES_READERS",
    "TABLES_READERS",
    "Reader",
    "choices_in",
    "load_ahead",
    "open_latents",
    "open_maps",
    "open_ref",
    "open_samples",
    "open_table",
    "recognize",
    "recognize_all",
    "register_reader",
    "split_reader",
]

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_HDF5_SUFFIXES = (".h5", ".hdf5", ".h5oina", ".edaxh5", ".hdf", ".dream3d", ".hspy", ".oh5")
_WEIGHTS = (".pth", ".pt", ".pt2", ".ckpt", ".safetensors")
_SPREADSHEETS = (".xlsx", ".xls", ".ods")
# How what people take for data often begins, in small letters.
_STARTS = {
    b"%pdf": "a PDF",
    b"<!doctype html": "a web page, as a server gives one that wants a login",
    b"<html": "a web page, as a server gives one that wants a login",
    b"pk\x03\x04": "a zip archive",
}


class Reader(Protocol[T_co]):
    """One file format.

    Attributes
    ----------
    description : str
        What is in such a file, in one sentence.
    wants : str
        By what it is recognized, briefly, for error messages.
    """

    description: str
    wants: str

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the file is of this format, from a cheap look."""
        ...

    def open(self, ref: SourceRef) -> T_co:
        """Open the file; ``local_path(ref.location)`` is where it lies.

        Raises
        ------
        MalformedFileError
            If it is damaged, or its parts don't fit together.
        UnsafeFileError
            If reading it would run a program, read other files or fill the memory.
        RequestError, ShapeError
            If an option makes no sense, or a table of coordinates is about other rows.
        """
        ...


SAMPLES_READERS: Registry[Reader[SampleSource]] = Registry(
    "samples reader", "latentcore.readers.samples"
)
LATENTS_READERS: Registry[Reader[LatentSet]] = Registry(
    "latents reader", "latentcore.readers.latents"
)
MAPS_READERS: Registry[Reader[ScanMaps]] = Registry("maps reader", "latentcore.readers.maps")
TABLES_READERS: Registry[Reader[SampleTable]] = Registry(
    "table reader", "latentcore.readers.tables"
)


def register_reader(
    family: Registry[Reader[T]], name: str
) -> Callable[[Callable[[], Reader[T]]], Callable[[], Reader[T]]]:
    """Return a decorator that registers a class of readers, made without arguments, in a family."""

    def register(make: Callable[[], Reader[T]]) -> Callable[[], Reader[T]]:
        family.register(name)(make())
        return make

    return register


def open_samples(
    location: str | Path, reader: str | None = None, **options: object
) -> SampleSource:
    """Open a file of samples (patterns, cutouts).

    Parameters
    ----------
    location : str or Path
        A path (or URL, see `latentcore.storage`), perhaps with options for the reader:
        ``FILE@KEY=VALUE[,KEY=VALUE…]``.
    reader : str, optional
        Name of a reader, with options for it as ``NAME:KEY=VALUE[,KEY=VALUE…]``; without it the
        file is recognized by its content.
    **options
        Handed to the reader.

    Returns
    -------
    SampleSource
        Close it, or use it as a context manager.

    Raises
    ------
    UnknownFormatError
        If no reader recognizes it.
    """
    return _open(SAMPLES_READERS, location, reader, options)


def open_latents(
    location: str | Path,
    coords: str | Path | None = None,
    reader: str | None = None,
    **options: object,
) -> LatentSet:
    """Open latents: HDF5, a latent-map table, or ``.npy`` with coordinates.

    Parameters
    ----------
    coords : str or Path, optional
        A table with the x and y of each row, for formats without coordinates.
    **options
        Handed to the reader, for example ``roi=(x0, x1, y0, y1)``: the rows are that ROI's.

    Raises
    ------
    UnknownFormatError
        If no reader recognizes it.
    """
    if coords is not None:
        options["coords"] = str(coords)
    return _open(LATENTS_READERS, location, reader, options)


def open_maps(location: str | Path, reader: str | None = None, **options: object) -> ScanMaps:
    """Open maps: a table with x, y and value columns.

    Raises
    ------
    UnknownFormatError
        If no reader recognizes it.
    """
    return _open(MAPS_READERS, location, reader, options)


def open_table(location: str | Path, reader: str | None = None, **options: object) -> SampleTable:
    """Open a table about samples that need not lie on a scan grid.

    ``reader="sample-table"`` opens a table that doesn't name its samples, too.

    Raises
    ------
    UnknownFormatError
        If no reader recognizes it.
    """
    return _open(TABLES_READERS, location, reader, options)


def open_ref(ref: SourceRef) -> SampleSource:
    """Open samples again from their reference, in another thread or process."""
    return _open_named(SAMPLES_READERS, ref.reader, ref)


def recognize(location: str | Path) -> tuple[str, str]:
    """Return what a file holds: (kind, reader's name).

    Kinds are ``"samples"``, ``"latents"``, ``"maps"`` and ``"table"``, asked in this order.

    Raises
    ------
    UnknownFormatError
        If no reader of any family recognizes it; the message names them all.
    """
    return next(iter(recognize_all(location).items()))


def recognize_all(location: str | Path, **options: object) -> dict[str, str]:
    """Return all that a file holds: the reader's name for each kind; a vendor's scan has two.

    Parameters
    ----------
    **options
        For the readers.

    Raises
    ------
    UnknownFormatError
        If no reader of any family recognizes it; the message names them all.
    """
    plain, own = split_options(str(location))
    peek = Peek(local_path(plain), {**own, **options})
    found = {
        kind: name for kind, family in _families() if (name := _claimant(family, peek)) is not None
    }
    if found:
        return found
    tried = [_tried(name, reader) for _, family in _families() for name, reader in family.items()]
    message = _unknown(peek, tried, "latentcore/readers/")
    raise UnknownFormatError(message, brief=_likely(peek))


def choices_in(location: str | Path) -> dict[str, tuple[str, ...]]:
    """Return what a file lets choose by its readers' options: for each option the values.

    Only where there are several; the first is what opens without the option, ``""`` where nothing
    does. Errors as `recognize_all`.
    """
    path = local_path(split_options(str(location))[0])
    found: dict[str, tuple[str, ...]] = {}
    for kind, family in _families():
        reader = _claimant(family, Peek(path))
        choices = getattr(family.get(reader), "choices", None) if reader is not None else None
        if kind in ("samples", "maps") and choices is not None:
            found |= choices(path)
    written = {
        option: tuple(value for value in values if not set(value) & set("@=,:"))
        for option, values in found.items()
    }
    return {option: values for option, values in written.items() if len(values) > 1}


def load_ahead() -> None:
    """Import all readers, for which the first file to be recognized would wait."""
    for _, family in _families():
        family.names()


# The options by which a reader is told of another file to read.
FILE_OPTIONS = frozenset({"coords", "maps"})


def split_reader(reader: str) -> tuple[str, dict[str, object]]:
    """Split ``NAME`` or ``NAME:KEY=VALUE[,KEY=VALUE…]``: a reader's name, and its options.

    Raises
    ------
    RequestError
        If an option has no value.
    """
    name, _, rest = reader.partition(":")
    options: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            message = f"⟨reader⟩ {reader!r}: {part!r} is no option. Write {name}:KEY=VALUE."
            raise RequestError(message)
        options[key.strip()] = value.strip()
    return name.strip(), options


def _families() -> tuple[tuple[str, Registry[Reader[Any]]], ...]:
    return (
        ("samples", SAMPLES_READERS),
        ("latents", LATENTS_READERS),
        ("maps", MAPS_READERS),
        ("table", TABLES_READERS),
    )


def _claimant(family: Registry[Reader[Any]], peek: Peek) -> str | None:
    """Return the name of the reader that recognizes a file, None where none does."""
    try:
        return next((name for name, reader in family.items() if reader.recognizes(peek)), None)
    except LatentError:
        raise
    except Exception as error:  # as in _open_named
        message = f"{peek.path.name!r} can't be looked into: {cause(error)}. Copy the file again."
        raise MalformedFileError(message) from error


def _open(
    family: Registry[Reader[T]],
    location: str | Path,
    reader: str | None,
    options: dict[str, object],
) -> T:
    location, own = split_options(str(location))
    options = {**own, **options}
    if reader is not None:
        reader, given = split_reader(reader)
        options = {**given, **options}
    else:
        peek = Peek(local_path(location), options)
        reader = _claimant(family, peek)
        if reader is None:
            other = _something_else(family, peek)
            message = other or _none_of(family, peek)
            raise UnknownFormatError(message, brief=other or _likely(peek))
    return _open_named(family, reader, SourceRef(location, reader, options))


def _open_named(family: Registry[Reader[T]], name: str, ref: SourceRef) -> T:
    reader = family.get(name)
    try:
        return reader.open(ref)
    except LatentError:
        raise
    except Exception as error:
        # Damage leads h5py, pandas, numpy and zipfile to exceptions of any kind, MemoryError and
        # SyntaxError among them; their text alone names no file.
        message = (
            f"The {name} reader can't read {Path(ref.location).name!r}: {cause(error)}. "
            f"It reads: {reader.description} Copy the file again, or name another reader."
        )
        raise MalformedFileError(message) from error


def _something_else(asked: Registry[Reader[T]], peek: Peek) -> str:
    """Say as what else a file can be opened, nothing where there is no way."""
    others = ((kind, _claimant(family, peek)) for kind, family in _families())
    found = [f"as {kind} ({name})" for kind, name in others if name is not None]
    kind = next(kind for kind, family in _families() if family is asked)
    if not found:
        return ""
    return f"{peek.path.name!r} is no file of {kind}, but can be opened {' and '.join(found)}."


def _none_of(family: Registry[Reader[T]], peek: Peek) -> str:
    tried = [_tried(name, candidate) for name, candidate in family.items()]
    return _unknown(peek, tried, family.package.replace(".", "/") + "/")


def _likely(peek: Peek) -> str:
    """Say what is probably wrong with a file that no reader recognizes, and what to do."""
    name = repr(peek.path.name)
    if not peek.path.is_dir() and not peek.head:
        return f"{name} is empty or cut off. Copy it again."
    head = peek.head[:64].lstrip().lower()
    is_ = next((what for start, what in _STARTS.items() if head.startswith(start)), "")
    if peek.name.endswith(_HDF5_SUFFIXES) and not peek.is_hdf5:
        why = f"it is {is_}" if is_ else "it may be cut off, or a text file"
        return f"{name} has the name of an HDF5 file but is not one: {why}. Copy the right file."
    if peek.name.endswith(_WEIGHTS):
        return (
            f"{name} has the name of a model's weights, not of data. Give it as the encoder, "
            "where latents are extracted."
        )
    if peek.name.endswith(_SPREADSHEETS):
        return f"{name} is a spreadsheet. Save it as CSV, with the columns x and y."
    if peek.name.endswith((*PICTURES, *VIDEOS)):
        return (
            f"{name} has the name of a picture or video, but is {is_ or 'none that can be read'}. "
            "Copy it again, or save it as PNG, TIFF or MP4."
        )
    if is_ and not peek.name.endswith(".npz"):
        return (
            f"{name} is {is_}, which can't be opened here. Bring an HDF5 file, a table with the "
            "columns x and y, or what your EBSD program exports."
        )
    if peek.is_hdf5:
        return (
            f"{name} is HDF5, but holds no patterns, maps or latents where a known program would "
            "put them. Export it as HDF5 from the program that measured it, or as a table with "
            "the columns x and y."
        )
    if peek.table_columns:
        return (
            f"{name} is a table that doesn't say where its rows belong: name its columns x and y, "
            "or sample_id."
        )
    return (
        f"{name} is no file of patterns, maps or latents that can be opened here. Bring an HDF5 "
        "file, a table with the columns x and y, or what your EBSD program exports."
    )


def _tried(name: str, reader: Reader[object]) -> str:
    return f"{name} (wants {reader.wants})"


def _unknown(peek: Peek, tried: list[str], folder: str) -> str:
    return (
        f"No reader recognizes {peek.path.name!r}.\n{peek.found}\nTried: {', '.join(tried)}.\n"
        f"Name one with reader='…', or add a file to {folder}."
    )
