"""The questions of the Train page: which settings, for how long, and what may be left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from latentcore.containers import SampleSource
from latentcore.encoders import training_presets
from latentcore.encoders.training_plan import SCHEDULES, TARGETS, Preset
from latentcore.errors import InputError, RequestError
from latentcore.workflows import VERBS
from pages.access import places
from pages.forms import extract_form
from pages.forms.extract_form import Points
from pages.forms.preparation_form import Recipe
from pages.frame import errors
from pages.scan import joining, loading
from pages.scan.joining import label_maps
from pages.scan.state import ScanState

Answers = Mapping[str, object]

_TARGET_TITLES = {
    "self": "each pattern itself",
    "neighbour": "what a pattern's neighbors on the scan show of it",
}
_SCHEDULE_TITLES = {
    "constant": "constant",
    "one-cycle": "one cycle",
}


def title(name: str) -> str:
    """Return what to call a preset."""
    return training_presets()[name].title or name.replace("-", " ").capitalize()


def choose_preset(key: str) -> str:
    """Ask for the settings to begin with."""
    presets = training_presets()
    chosen = st.segmented_control(
        "Settings",
        tuple(presets),
        default=next(iter(presets)),
        required=True,
        format_func=title,
        key=f"{key}.preset",
        help="Everything below begins with what belongs to these, and can be changed.",
        persist_state="session",
    )
    st.caption(presets[chosen].note)
    return str(chosen)


def choose_essentials(key: str, name: str) -> Answers:
    """Ask for latent dimensions, epochs and minutes."""
    preset = training_presets()[name]
    dims, epochs, minutes = st.columns(3, vertical_alignment="bottom")
    with dims:
        latent_dim = st.number_input(
            "Latent dimensions",
            min_value=1,
            value=preset.latent_dim,
            step=1,
            key=f"{key}.{name}.latent_dim",
            help="How many numbers stand for a sample. Dimensions that the samples don't need "
            "stay quiet: the judgment after the training says how many are active.",
            persist_state="session",
        )
    with epochs:
        n_epochs = st.number_input(
            "Epochs",
            min_value=1,
            value=preset.plan.epochs,
            step=1,
            key=f"{key}.{name}.epochs",
            help="How often each pattern is seen. The epoch that does best on points held out is "
            "kept, so that too many cost only time.",
            persist_state="session",
        )
    with minutes:
        most = st.number_input(
            "At most (minutes)",
            min_value=0.1,
            value=None,
            step=1.0,
            format="%g",
            placeholder="none",
            key=f"{key}.{name}.minutes",
            help="Stops in time, with the best epoch until then.",
            persist_state="session",
        )
    asked = {"latent_dim": latent_dim, "epochs": n_epochs}
    return {**_changed(asked, preset), "max_minutes": most}


def choose_details(key: str, name: str, scan: ScanState, source: SampleSource) -> Answers:
    """Ask for all that has a good answer already."""
    preset = training_presets()[name]
    with st.expander("Advanced", icon=":material/tune:"):
        left, right = st.columns(2)
        with left:
            asked = _ask_latents(f"{key}.{name}", preset)
        with right:
            asked |= _ask_learning(f"{key}.{name}", preset)
        asked["target"] = _ask_target(f"{key}.{name}", preset)
        left, right = st.columns(2)
        with left:
            asked["noise"] = _ask_noise(f"{key}.{name}", preset)
        with right:
            asked["held_out"] = _ask_held_out(f"{key}.{name}", preset)
        chosen = _changed(asked, preset)
        with left:
            chosen["seed"] = _ask_seed(key)
        with right:
            chosen["device"] = extract_form.choose_device(key)
        return {**chosen, "labels": _ask_labels(key, scan, source)}


def request(
    scan: ScanState, name: str, recipe: Recipe, points: Points, answers: Answers
) -> Any | None:
    """Return the request of the verb ``train``; None where it makes no sense, with the reason."""
    assert scan.samples is not None
    plan = training_presets()[name].plan
    try:
        replace(plan, **{key: answers[key] for key in answers if hasattr(plan, key)})  # type: ignore[arg-type]
        _check_size(scan.samples, name, recipe, answers)
    except InputError as error:
        errors.show(error)
        return None
    return VERBS.get("train").request(
        location=places.location(scan.samples),
        preset=name,
        prepare=recipe.arguments,
        keep_above=points.keep_above,
        roi=points.roi,
        # No part of the question: it only lets an interrupted training of it go on.
        resume=True,
        **answers,
    )


def _check_size(samples: str, name: str, recipe: Recipe, answers: Answers) -> None:
    """Refuse at once what the job would refuse when it has read and prepared everything."""
    latent_dim = int(answers.get("latent_dim", training_presets()[name].latent_dim))  # type: ignore[call-overload]
    _, height, width = recipe.preparation.output_shape(loading.samples(samples).sample_shape)
    if latent_dim > height * width:
        message = (
            f"{latent_dim:,} latent dimensions were asked for, but a prepared pattern has {height} "
            f"× {width} = {height * width:,} pixels. Give fewer; 32 suits most scans."
        )
        raise RequestError(message)


def _changed(asked: Answers, preset: Preset) -> dict[str, object]:
    """Return what differs from the preset: a short request is a readable one."""
    usual = {"latent_dim": preset.latent_dim, **vars(preset.plan)}
    return {name: value for name, value in asked.items() if value != usual[name]}


def _ask_latents(key: str, preset: Preset) -> dict[str, object]:
    plan = preset.plan
    return {
        "kl_weight": _number(
            key, "kl_weight", "KL weight", plan.kl_weight,
            "Weight of the mean KL per dimension beside the squared error per pixel. Too much of "
            "it, and the latents collapse onto the prior.",
        ),
        "kl_warmup": _number(
            key, "kl_warmup", "KL warm-up (epochs)", plan.kl_warmup,
            "Epochs over which the KL weight rises from 0.",
        ),
        "free_bits": _number(
            key, "free_bits", "Free bits (nats)", plan.free_bits,
            "So much KL per dimension costs nothing: another way against a collapse.",
        ),
    }  # fmt: skip


def _ask_learning(key: str, preset: Preset) -> dict[str, object]:
    plan = preset.plan
    return {
        "learning_rate": _number(
            key, "learning_rate", "Learning rate", plan.learning_rate,
            "The largest that the schedule reaches. Too large, and the training diverges: it "
            "stops then, and the best weights until there are kept.", least=1e-7, most=10.0,
        ),
        "schedule": st.selectbox(
            "Schedule of the learning rate",
            SCHEDULES,
            index=SCHEDULES.index(plan.schedule),
            format_func=_SCHEDULE_TITLES.__getitem__,
            key=f"{key}.schedule",
            help="One cycle: up during a tenth of the steps, then down to nothing.",
            persist_state="session",
        ),
        "batch_size": st.number_input(
            "Batch size",
            min_value=1,
            value=plan.batch_size,
            step=32,
            key=f"{key}.batch_size",
            help="Samples per step.",
            persist_state="session",
        ),
    }  # fmt: skip


def _ask_target(key: str, preset: Preset) -> str:
    return st.selectbox(
        "To be reconstructed",
        TARGETS,
        index=TARGETS.index(preset.plan.target),
        format_func=_TARGET_TITLES.__getitem__,
        key=f"{key}.target",
        help="Neighbors within a grain show the same pattern with other noise. Needs patterns "
        "with coordinates.",
        persist_state="session",
    )


def _ask_noise(key: str, preset: Preset) -> float:
    return _number(
        key, "noise", "Added noise", preset.plan.noise,
        "How much of another pattern's noise is added to each input, other in every epoch. Only "
        "where neighbors are reconstructed: what they don't share is taken for noise.", most=10.0,
    )  # fmt: skip


def _ask_held_out(key: str, preset: Preset) -> float:
    return _number(
        key, "held_out", "Held-out share", preset.plan.held_out,
        "Of the points, not trained on: they choose the best epoch. With 0 the lowest training "
        "loss does.", most=0.5,
    )  # fmt: skip


def _ask_seed(key: str) -> int:
    return st.number_input(
        "Seed",
        min_value=0,
        max_value=2**31,
        value=0,
        step=1,
        key=f"{key}.seed",
        help="The same seed gives the same weights on the same machine.",
        persist_state="session",
    )


def _ask_labels(key: str, scan: ScanState, source: SampleSource) -> str | None:
    if source.grid is None or not scan.maps:
        return None
    joined, _ = joining.fitting_maps(scan.maps, loading.grid_key(scan), source.grid)
    names = label_maps(joined)
    if not names:
        return None
    name = st.selectbox(
        "Judge by",
        names,
        index=None,
        placeholder="no map",
        key=f"{key}.labels.{'|'.join(names)}",
        help="A map of grains or phases that the latents are held against afterwards. Nothing is "
        "learned from it.",
        persist_state="session",
    )
    if name is None:
        return None
    place, column = joined.origin[name]
    return f"{places.location(place)}:{column}"


def _number(
    key: str, name: str, title: str, value: float, help_text: str,
    *, least: float = 0.0, most: float = 1e6,
) -> float:  # fmt: skip
    return st.number_input(
        title,
        min_value=least,
        max_value=most,
        value=value,
        step=value / 10 or 0.1,
        format="%g",
        key=f"{key}.{name}",
        help=help_text,
        persist_state="session",
    )
