"""What ``probe`` is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentcore.analysis.probes import PROBES, Probe, make_probe
from latentcore.requests.methods import parameters_of, with_parameters
from latentcore.requests.options import (
    coords_option,
    latents_option,
    reader_option,
    roi_option,
    sample_option,
)
from latentcore.requests.verbs import option

__all__ = ["ProbeRequest", "probe_of"]


@dataclass(frozen=True)
class _ProbeRequest:
    """What to predict, and how; the classifiers' own parameters are added below."""

    latents: str = latents_option()
    labels: str | None = option(
        None,
        help="labels, FILE:COLUMN or a run of cluster, domains, grains or regions, joined by x "
        "and y; default: the labels in the latents' file",
        kind="map",
    )
    apply: str | None = option(
        None,
        help="a run of probe, or its probe.safetensors: predict these latents by it, and learn "
        "nothing; with --labels its predictions are scored",
        kind="file", metavar="RUN",
    )  # fmt: skip
    partition: tuple[str, ...] = option(
        (), help="only samples of this partition of the latents' file", repeat=True, metavar="NAME"
    )
    split: str | None = option(
        None,
        help="the partition of this name is the test set, all others are trained on",
        metavar="NAME",
    )
    test_fraction: float = option(
        0.2, help="share of the labeled samples to test on, where no --split is given",
        convert=float, metavar="F",
    )  # fmt: skip
    blocked: bool = option(
        False, help="split by place, in squares of the scan; the default where there is a scan grid"
    )
    stratified: bool = option(
        False, help="split at random within each class; the default where there is no scan grid"
    )
    block_size: int | None = option(
        None,
        help="side of a square in points; default: an eighth of the labeled area",
        convert=int,
        metavar="N",
    )
    folds: int | None = option(
        None,
        help="cross-validate: test every labeled sample once, in N parts (squares of the scan "
        "where there is one), and give intervals over them",
        convert=int,
        metavar="N",
    )
    groups: str | None = option(
        None,
        help="cross-validate by groups that are never divided: labels FILE:COLUMN, or the word "
        "'partition'; of samples without a grid a table's column, times by months, or TABLE:place "
        "by cells of the Earth; without --folds each group is tested in turn",
        kind="map",
    )
    learning_curve: bool = option(
        False, help="cross-validation: also learn 10, 20, 40 and 70 %% of the training groups"
    )
    permutations: int = option(
        0, help="cross-validation: exchange the labels of whole groups N times, for a p-value",
        convert=int, metavar="N",
    )  # fmt: skip
    beside: tuple[str, ...] = option(
        (), help="cross-validation: another classifier, in the same folds", repeat=True,
        metavar="CLASSIFIER",
    )  # fmt: skip
    against: tuple[str, ...] = option(
        (), help="cross-validation: other latents of the same samples, in the same folds",
        repeat=True, kind="latents",
    )  # fmt: skip
    classifier: str = option("logistic", help="what learns the labels", family=PROBES)
    without: tuple[str, ...] = option(
        (), help="a class that takes no part; -1 never does", repeat=True, metavar="CLASS"
    )
    sample: str | None = sample_option(
        "points that are looked at, drawn by the seed, or 'all'; default: all of up to 1,000,000, "
        "and 200,000 of more"
    )
    roi: tuple[float, ...] | None = roi_option()
    seed: int = option(0, help="the same seed gives the same split", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()


# The options of methods are those that the methods declare, so a new one brings its own.
if TYPE_CHECKING:
    ProbeRequest = _ProbeRequest
else:
    ProbeRequest = with_parameters(_ProbeRequest, PROBES)


def probe_of(request: ProbeRequest) -> Probe:
    """Make the classifier that a request names, with the parameters that it gives."""
    return make_probe(request.classifier, parameters_of(request, PROBES))
