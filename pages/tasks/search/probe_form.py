"""What a probe is asked: labels, split, classifier."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st

from latentcore.analysis.probes import PROBES
from latentcore.containers import LatentSet
from latentcore.errors import InputError
from latentcore.workflows import VERBS
from pages.access import places
from pages.forms.request_form import form_for
from pages.frame import errors, navigation
from pages.regions.files import offer_as_labels
from pages.scan import joining, loading
from pages.scan.joining import JoinedMaps
from pages.scan.state import ScanState

_OWN = "@own"
_MOST_LISTED = 6
_SPLITS = {
    "blocked": ":material/grid_view: By place",
    "stratified": ":material/casino: At random",
    "given": ":material/call_split: By partition",
    "groups": ":material/workspaces: By group",
}
_PARTITION = "partition"
_EXCHANGES = (0, 19, 99, 199)
_HELP = (
    "By place: whole squares of the scan are tested on; an honest estimate, as neighboring points "
    "are alike. At random: figures flatter the latents on a scan. By partition: one partition of "
    "the file is the test set. By group: each value of a map of labels, such as a grain or a "
    "scan, is tested in turn."
)


def ask(scan: ScanState, latents: LatentSet) -> Any | None:
    """Ask for everything; None as long as something is missing, which is said."""
    maps = _maps(scan, latents)
    first, second, third = st.columns(3, gap="medium")
    with first:
        source = _labels(latents, maps)
        if source is None:
            return None
        without = _without(latents, maps, source)
    with second:
        split = _split(latents, maps, source)
    with third:
        classifier = st.selectbox(
            "Classifier",
            PROBES.names(),
            index=PROBES.names().index("logistic"),
            format_func=lambda name: PROBES.get(name).title,
            key="probe.classifier",
            persist_state="session",
        )
        split |= _validation(split, classifier)
        with st.popover("Settings of the classifier", icon=":material/tune:"):
            made = form_for(PROBES.get(classifier), key=f"probe.{classifier}", skip=("seed",))
    if made is None:
        return None
    assert scan.latents is not None
    parameters = {name: value for name, value in asdict(made).items() if name != "seed"}
    return VERBS.get("probe").request(
        latents=places.location(scan.latents),
        labels=None if source == _OWN else _spec(maps, source),
        without=tuple(without),
        classifier=classifier,
        **split,
        **parameters,
    )


def _maps(scan: ScanState, latents: LatentSet) -> JoinedMaps:
    if latents.grid is None or scan.latents is None:
        return JoinedMaps()
    found, wrong = joining.fitting_maps(scan.maps, loading.version(scan.latents), latents.grid)
    for place, error in wrong.items():
        errors.show(error, places.label(place))
    return found


def _labels(latents: LatentSet, maps: JoinedMaps) -> str | None:
    """Ask where the labels come from: the file, or a map of categories."""
    offered = [*([_OWN] if latents.labels is not None else []), *maps.categories]
    if not offered:
        st.info(
            "A probe needs labels: latents that come with some, or a map of phases, grains or "
            f"clusters beside them. {_why_continuous(maps)}Open one on the Data page, or in the "
            "sidebar.",
            icon=":material/label:",
        )
        offer_as_labels(latents)
        navigation.link("data", "Open maps")
        return None
    offer_as_labels(latents)
    return st.selectbox(
        "Labels",
        offered,
        format_func=lambda name: "labels in the latents' file" if name == _OWN else name,
        key="probe.labels",
        persist_state="session",
    )


def _why_continuous(maps: JoinedMaps) -> str:
    """Say why the maps in view, none of which holds labels, are no answer."""
    if not maps.names:
        return ""
    listed = ", ".join(maps.names[:_MOST_LISTED]) + " …" * (len(maps.names) > _MOST_LISTED)
    return (
        f"What is open looks continuous ({errors.markdown_safe(listed)}), but a probe learns "
        "classes: cluster it, or cut it into ranges first. "
    )


def _without(latents: LatentSet, maps: JoinedMaps, source: str) -> list[str]:
    if source == _OWN:
        assert latents.labels is not None
        names = [str(code) for code in np.unique(latents.labels).tolist()]
    else:
        values = maps.get(source)
        present = np.unique(values[np.isfinite(values)]).astype(int).tolist()
        names = [maps.categories[source].get(code, str(code)) for code in present]
    return st.multiselect(
        "Leave out",
        [name for name in names if name != "-1"],
        key=f"probe.without.{source}",
        placeholder="no class",
        help="Classes that are no answer, such as not indexed. −1 never takes part.",
    )


def _split(latents: LatentSet, maps: JoinedMaps, source: str) -> dict[str, Any]:
    groups = [
        *([_PARTITION] if latents.partition is not None else []),
        *(name for name in maps.categories if name != source),
    ]
    ways = [
        *(["blocked"] if latents.grid is not None else []),
        "stratified",
        *(["given"] if latents.partition is not None else []),
        *(["groups"] if groups else []),
    ]
    way = st.segmented_control(
        "Split", ways, format_func=lambda name: _SPLITS[name],
        default="given" if "given" in ways else ways[0], required=True, key="probe.split",
        help=_HELP,
    )  # fmt: skip
    if way == "groups":
        name = st.selectbox("Groups", groups, key="probe.groups", help="None is ever divided.")
        return {"groups": name if name == _PARTITION else _spec(maps, name)}
    if way == "given" and latents.partition is not None:
        names = sorted(latents.partition.names)
        likely = next((name for name in names if "test" in name or "valid" in name), names[-1])
        name = st.selectbox(
            "Test on", names, index=names.index(likely), key="probe.partition",
            help="All other partitions are trained on.",
        )  # fmt: skip
        return {"split": name}
    if st.toggle(
        "Cross-validate", key="probe.validate",
        help="Test every labeled sample once, in several parts, and give intervals over them.",
    ):  # fmt: skip
        folds = st.slider("Folds", 3, 10, 5, key="probe.folds")
        return {"folds": int(folds), str(way): True}
    fraction = st.slider(
        "Share that is tested on", 0.05, 0.5, 0.2, 0.05, key="probe.fraction",
        help="By place: about this share, as squares are not divided.",
    )  # fmt: skip
    return {"test_fraction": float(fraction), str(way): True}


def _validation(split: dict[str, Any], classifier: str) -> dict[str, Any]:
    """Ask for what only cross-validation can tell."""
    if "folds" not in split and "groups" not in split:
        return {}
    beside = st.multiselect(
        "Beside it", [name for name in PROBES.names() if name != classifier],
        format_func=lambda name: PROBES.get(name).title, key=f"probe.beside.{classifier}",
        placeholder="no other classifier", help="Other classifiers, in the same folds.",
    )  # fmt: skip
    times = st.select_slider(
        "Exchanges of labels", _EXCHANGES, key="probe.permutations",
        help="How often labels are exchanged between whole squares or groups, to tell the scores "
        "from chance. Each one takes as long as the cross-validation itself.",
    )  # fmt: skip
    curve = st.checkbox(
        "Learning curve", key="probe.curve",
        help="Scores after learning 10, 20, 40 and 70 % of the training samples.",
    )  # fmt: skip
    return {"beside": tuple(beside), "permutations": int(times), "learning_curve": bool(curve)}


def _spec(maps: JoinedMaps, name: str) -> str:
    place, column = maps.origin[name]
    try:
        return f"{places.location(place)}:{column}"
    except InputError as error:
        errors.show(error)
        raise
