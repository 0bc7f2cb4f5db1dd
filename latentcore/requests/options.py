"""Options that several verbs have."""

from __future__ import annotations

from typing import Any

from latentcore.requests.verbs import option

__all__ = ["coords_option", "latents_option", "reader_option", "roi_option"]


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
