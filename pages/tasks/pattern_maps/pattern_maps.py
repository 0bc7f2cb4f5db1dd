"""Maps of the scan in view that need nothing but its patterns."""

from __future__ import annotations

import dataclasses

import streamlit as st

from latentcore.analysis.patterns.blocks import pattern_shape
from latentcore.analysis.patterns.maps import PATTERN_MAPS
from latentcore.errors import InputError
from latentcore.workflows import VERBS
from pages.access import places
from pages.forms.request_form import form_for
from pages.frame import errors, navigation
from pages.results.pattern_maps import VERB, offer_pattern_maps
from pages.scan import loading, state
from pages.scan.missing import no_samples
from pages.tasks.pattern_maps.detectors import virtual_detectors

_USUAL = ("adp", "image_quality")


def quality_maps(samples: str) -> None:
    """Let choose among the maps that need no further question, and compute them."""
    st.header("Quality of patterns", divider="grey")
    request = VERBS.get(VERB).request
    asked = form_for(
        request,
        key="pattern_maps",
        skip=[one.name for one in dataclasses.fields(request) if one.name != "map"],
        defaults={"location": places.location(samples), "map": _USUAL},
        details={
            "map": {
                "label": "Maps",
                "help": "Computed from the patterns as the file has them, without any preparation.",
                "titles": {name: part.title for name, part in PATTERN_MAPS.items()},
            }
        },
    )
    chosen: tuple[str, ...] = () if asked is None else asked.map
    offer_pattern_maps(
        asked, key="pattern_maps.quality", label="Compute maps",
        title=f"Pattern maps of {places.label(samples)}", disabled=not chosen,
    )  # fmt: skip
    with st.expander("What they are", icon=":material/info:"):
        for name in chosen:
            part = PATTERN_MAPS.get(name)
            definition = errors.markdown_safe(part.definition)
            st.markdown(f"**{part.title}**, `{name}`: {definition}")


def page(scan: state.ScanState) -> None:
    """Show the page, or what it lacks."""
    if scan.samples is None:
        no_samples("compute maps of")
        return
    try:
        pattern_shape(loading.samples(scan.samples))
    except InputError as error:
        errors.show(error)
        navigation.link("data", "Open patterns")
        return
    virtual_detectors(scan.samples)
    quality_maps(scan.samples)


st.title("Pattern maps")
page(state.current())
