"""Options that several verbs have."""

from __future__ import annotations

from typing import Any

from latentcore.analysis.samples import Sample
from latentcore.errors import RequestError
from latentcore.figures.colors import MISSING_COLORS
from latentcore.preparation import written_keys
from latentcore.requests.verbs import option


def latents_option(*default: None) -> Any:
    """Declare a request's ``LATENTS``; with None as its default it may be left out."""
    return option(
        *default,
        help="latents: *_latents.h5, a table x,y,latent_<d>… (CSV, CSV.gz, parquet), .npy",
        positional=True,
        kind="latents",
    )


def coords_option() -> Any:
    """Declare a request's ``--coords``."""
    return option(
        None,
        help="table with the x and y of each row of the latents, where their file has none",
        kind="table",
    )


def reader_option() -> Any:
    """Declare a request's ``--reader``."""
    return option(
        None, help="name of a latents reader, instead of recognition by content", metavar="NAME"
    )


def roi_option() -> Any:
    """Declare a request's ``--roi``."""
    return option(
        None,
        help="only the points with X0 <= x < X1 and Y0 <= y < Y1; an .npy may hold just these",
        nargs=4,
        metavar=("X0", "X1", "Y0", "Y1"),
        convert=float,
    )


def samples_roi_option() -> Any:
    """Declare the ``--roi`` of a verb that works on samples."""
    return option(
        None,
        help="only the points with X0 <= x < X1 and Y0 <= y < Y1",
        nargs=4,
        metavar=("X0", "X1", "Y0", "Y1"),
        convert=float,
    )


def missing_color_option() -> Any:
    """Declare the ``--missing-color`` of a figure."""
    return option(
        "tan",
        help="what points without a value are painted with in figures; transparent takes the "
        "figure's ground with it",
        choices=tuple(MISSING_COLORS),
    )


def rows_option() -> Any:
    """Declare the ``--rows`` of a verb that works on latents."""
    return option(
        None,
        help="only these rows of the latents: an .npy of row numbers or of a mask, or text with "
        "one row number per line",
        kind="file",
    )


def sample_option(help_text: str) -> Any:
    """Declare how many points a verb learns from or looks at; see `sample_asked`."""
    return option(None, help=help_text, convert=_sample_word, metavar="N|all")


def sample_asked(word: str | None) -> Sample:
    """Return what a request's ``--sample`` says.

    Raises
    ------
    RequestError
        If it is neither ``all`` nor a number.
    """
    if word is None:
        return None
    if word == "all":
        return "all"
    try:
        return int(word)
    except ValueError as error:
        message = f"⟨sample⟩ {word!r} can't be read: give 'all', or a number of points."
        raise RequestError(message) from error


def _sample_word(word: str) -> str:
    return word if word == "all" else str(int(word))


_sample_word.__name__ = "number of points"  # what argparse calls a value that it can't read


def partition_option() -> Any:
    """Declare the ``--partition`` of a verb that works on samples."""
    return option((), help="only samples of this HDF5 dataset", repeat=True, metavar="NAME")


def keep_above_option() -> Any:
    """Declare the ``--keep-above`` of a verb that works on samples."""
    return option(
        None,
        help="only points where a map (FILE or FILE:COLUMN) is above a value; again for further "
        "maps: all must hold",
        nargs=2,
        repeat=True,
        kind="threshold",
        convert=(str, float),
    )


def keep_below_option() -> Any:
    """Declare the ``--keep-below`` of a verb that works on samples."""
    return option(
        None,
        help="only points where a map is below a value; again for further maps",
        nargs=2,
        repeat=True,
        kind="threshold",
        convert=(str, float),
    )


def keep_between_option() -> Any:
    """Declare the ``--keep-between`` of a verb that works on samples."""
    return option(
        None,
        help="only points where LO <= map <= HI; again for further maps",
        nargs=3,
        repeat=True,
        kind="threshold",
        metavar=("MAP", "LO", "HI"),
        convert=(str, float, float),
    )


def keep_label_option() -> Any:
    """Declare the ``--keep-label`` of a verb that works on samples."""
    return option(
        None,
        help="only points of this phase, grain, cluster or domain, by name or number; again for "
        "further names, of which any will do",
        nargs=2,
        repeat=True,
        kind="threshold",
        metavar=("LABELS", "NAME"),
        convert=(str, str),
    )


def keep_xy_option() -> Any:
    """Declare the ``--keep-xy`` of a verb that works on samples."""
    return option(
        None,
        help="only the points that this file names: a table with x and y, or an .npy (m, 2)",
        kind="file",
    )


def prepare_option(whose: str) -> Any:
    """Declare ``--prepare``; `whose` says whose preparation it overrules."""
    return option(
        (),
        help=f"steps of the preparation, each overruling {whose} own: {written_keys()}",
        nargs="+",
        repeat=True,
        metavar="KEY=VALUE",
    )


def resolution_option() -> Any:
    """Declare ``--resolution``, the short form of a preparation's size."""
    return option(
        None,
        help="resize to H W pixels, as size=HxW does; of pictures and videos the center is taken, "
        "which --reader image-folder:fit=pad (or video:fit=pad) changes",
        nargs=2,
        metavar=("H", "W"),
        convert=int,
    )


def device_option() -> Any:
    """Declare where a model runs."""
    return option("auto", help="auto, cpu, cuda, cuda:1 or mps", metavar="NAME")


def samples_reader_option() -> Any:
    """Declare the ``--reader`` of a file of samples."""
    return option(None, help="reader of the input", metavar="NAME")
