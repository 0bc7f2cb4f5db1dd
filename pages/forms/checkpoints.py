"""Checkpoints that a session may choose from: former runs, uploads and server folders."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import streamlit as st

from latentcore.errors import InputError
from latentcore.settings import settings
from pages.access import folders, places
from pages.access.uploads import MODEL_SUFFIXES, store_model
from pages.frame import errors
from pages.jobs.past_runs import models_of_runs, past_run

_UPLOADED = "uploaded_checkpoints"
_ADDED = "added_checkpoint"
_ROUND = "checkpoint_upload_round"
_MOST_OFFERED = 1000


def choose_checkpoint(key: str, *, first: bool = True) -> str | None:
    """Ask for a checkpoint.

    Parameters
    ----------
    first : bool
        Whether the first on offer is chosen until somebody chooses another, or none.

    Returns
    -------
    str or None
        Its place; None as long as nothing is chosen.
    """
    offered = on_offer()
    added = st.session_state.pop(_ADDED, None)
    if added is not None:
        st.session_state[f"{key}.model"] = added
    if offered:
        chosen = st.selectbox(
            "Model",
            offered,
            index=0 if first else None,
            placeholder="Choose a model",
            format_func=title,
            key=f"{key}.model",
            help="Models that former runs have fitted or trained, what you have uploaded, and what "
            "this server offers.",
            persist_state="session",
        )
    else:
        chosen = None
        st.caption("No model is here yet: upload one, or fit a PCA first.")
    with st.popover("Add a model", icon=":material/upload_file:"):
        _uploader()
        _server_folders(key)
    return chosen


def on_offer() -> list[str]:
    """Return the places of the models that this session may use, those it brought itself first."""
    uploaded: list[str] = st.session_state.get(_UPLOADED, [])
    return list(dict.fromkeys((*reversed(uploaded), *models_of_runs(), *_offered_models())))


def title(place: str) -> str:
    """Return what to call a model: for one of a run what it was made of, and when."""
    scheme, _, rest = place.partition(":")
    if scheme != "run":
        return places.label(place)
    return " · ".join(_described(rest.split("/", 1)[0]))


def short_title(place: str) -> str:
    """Return the name of a model alone, without what it was made of."""
    scheme, _, rest = place.partition(":")
    if scheme != "run":
        return rest.rsplit("/", 1)[-1] or place
    return _described(rest.split("/", 1)[0])[0]


def _offered_models() -> list[str]:
    """Return the places of the models in the operator's folder, and in the folders in it."""
    folder = settings().model_folder
    if folder is None:
        return []
    found = (path for depth in ("*", "*/*") for path in folder.glob(depth) if path.is_file())
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in islice(found, _MOST_OFFERED)
        if path.name.lower().endswith(MODEL_SUFFIXES) and not path.name.startswith(".")
    )
    return [f"model:{name}" for name in names]


def propose(place: str) -> None:
    """Let a model be the one that is chosen when somebody is asked for one next."""
    if place in models_of_runs():
        st.session_state[_ADDED] = place
    else:
        _offer(place)


def _uploader() -> None:
    turn = st.session_state.setdefault(_ROUND, 0)
    files = st.file_uploader(
        "Upload weights (with their model.json, if there is one)",
        type=[*(suffix.removeprefix(".") for suffix in MODEL_SUFFIXES), "json"],
        accept_multiple_files=True,
        max_upload_size=settings().max_upload_mb,
        key=f"checkpoint_upload_{turn}",
        help="model.safetensors, a seed VAE .pth. Weights are read as numbers only: a file that "
        "would have to be executed is refused. So is an exported encoder (TorchScript, "
        "torch.export), which only the operator of the server offers, in LATENT_MODEL_FOLDER.",
    )
    if not files:
        return
    if not any(file.name.lower().endswith(MODEL_SUFFIXES) for file in files):
        st.info("Add the weights that belong to this record.", icon=":material/upload_file:")
        return
    try:
        _offer(store_model(files))
    except InputError as error:
        errors.show(error)
        return
    st.session_state[_ROUND] = turn + 1  # an emptied widget frees the file's memory
    st.rerun()


def _server_folders(key: str) -> None:
    names = list(places.roots())
    if not names:
        return
    here = st.session_state.setdefault(f"{key}.folder", f"folder:{names[0]}")
    try:
        entries = folders.list_folder(here).entries
    except InputError as error:
        errors.show(error)
        here, entries = f"folder:{names[0]}", ()
    up = [here.rsplit("/", 1)[0]] if "/" in here else [f"folder:{name}" for name in names]
    ways = [here, *(place for place in up if place != here)]
    ways += [entry.place for entry in entries if entry.is_folder]
    st.selectbox(
        "Server folder",
        ways,
        index=0,
        format_func=lambda place: place.removeprefix("folder:"),
        key=f"{key}.way.{here}",
        on_change=_go,
        args=(key, here),
    )
    files = [entry for entry in entries if entry.name.lower().endswith(MODEL_SUFFIXES)]
    for entry in files:
        st.button(
            errors.markdown_safe(entry.name),
            key=f"{key}.take.{entry.place}",
            icon=":material/add:",
            on_click=_offer,
            args=(entry.place,),
        )
    if not files:
        st.caption(f"No model ({', '.join(MODEL_SUFFIXES)}) in this folder.")


def _go(key: str, here: str) -> None:
    st.session_state[f"{key}.folder"] = st.session_state[f"{key}.way.{here}"]


def _offer(place: str) -> None:
    known: list[str] = st.session_state.get(_UPLOADED, [])
    st.session_state[_UPLOADED] = [*(one for one in known if one != place), place]
    st.session_state[_ADDED] = place  # whoever adds a model wants to use it


def _described(name: str) -> list[str]:
    found = past_run(name)
    run = {} if found is None else found.record
    request = run.get("request", {})
    summary = run.get("summary", {})
    trained = summary.get("encoder") or run.get("verb", "model")
    asked = str(request.get("checkpoint") or request.get("encoder") or trained)
    inputs = [entry for entry in run.get("inputs", []) if entry["role"] == "samples"]
    scan = Path(inputs[0]["location"]).name if inputs else ""
    made = run.get("created", "")[:16].replace("T", " ")
    model = f"PCA {asked[4:]}" if asked.startswith("pca:") else Path(asked).name
    if run.get("verb") == "train":
        model = f"{model} {summary.get('latent_dim', '')}".rstrip()
    return [part for part in (model, scan, made) if part] or [name]
