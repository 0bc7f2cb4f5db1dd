"""What ``differ`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.errors import RequestError
from latentcore.requests.options import coords_option, reader_option, roi_option
from latentcore.requests.verbs import option

EXCHANGES = ("auto", "squares", "scans", "samples")


@dataclass(frozen=True)
class DifferRequest:
    """Which two sides, and what chance is taken to be."""

    latents: tuple[str, ...] = option(
        help="latents of side A, one file or several; or one collection, with ⟨between⟩",
        positional=True,
        nargs="+",
        kind="latents",
    )
    against: tuple[str, ...] = option(
        (),
        help="latents of side B, made by the same encoder",
        nargs="+",
        kind="latents",
    )
    between: tuple[str, ...] | None = option(
        None,
        help="partitions of the latents on side A and on side B, such as scans of a collection; "
        "several with commas between them",
        nargs=2,
        metavar=("A[,…]", "B[,…]"),
    )
    exchange: str = option(
        "auto",
        help="what is exchanged between both sides to say what chance gives: squares of the scans, "
        "whole scans, or samples, which must be independent then; auto: scans where both sides "
        "have four and more, squares where there is a grid, else samples",
        choices=EXCHANGES,
    )
    block: float | None = option(
        None,
        help="side of a square in steps of the scan; default: as gives 25 squares of the smallest "
        "scan, but at least twice the gap",
        convert=float,
        metavar="STEPS",
    )
    gap: float | None = option(
        None,
        help="steps left out between squares; default: the distance at which the latents "
        "correlate by less than 0.1",
        convert=float,
        metavar="STEPS",
    )
    permutations: int = option(
        499, help="so many exchanges say what chance gives", convert=int, metavar="N"
    )
    folds: int = option(
        5, help="in so many parts a classifier is tested that learned from the others",
        convert=int, metavar="K",
    )  # fmt: skip
    sample: int = option(
        20_000, help="so many samples of each side, drawn by the seed, are tested and learned from",
        convert=int, metavar="N",
    )  # fmt: skip
    seed: int = option(
        0, help="draws samples, folds, exchanges and the kernel's features", convert=int,
        metavar="N",
    )  # fmt: skip
    roi: tuple[float, ...] | None = roi_option()
    coords: str | None = coords_option()
    reader: str | None = reader_option()


def refuse(request: DifferRequest) -> None:
    """Refuse what can't be asked.

    Raises
    ------
    RequestError
        If sides or numbers make no sense.
    """
    if bool(request.against) == bool(request.between):
        message = (
            "Two sides are compared: give the latents of the other side as ⟨against⟩, or name "
            "partitions of one file as ⟨between⟩ A B."
        )
        raise RequestError(message)
    if request.between and len(request.latents) > 1:
        message = (
            f"⟨between⟩ names partitions of one file, but {len(request.latents)} files were given. "
            "Collect them first, or give those of the other side as ⟨against⟩."
        )
        raise RequestError(message)
    for name, value, least in (
        ("permutations", request.permutations, 19),
        ("folds", request.folds, 2),
        ("sample", request.sample, 100),
        ("block", request.block, 1),
        ("gap", request.gap, 0),
    ):
        if value is not None and value < least:
            message = f"⟨{name}⟩ must be at least {least}, but is {value:g}."
            raise RequestError(message)
