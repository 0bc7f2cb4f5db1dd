"""The components' JavaScript: ES modules, one folder for each component and ``browser`` for all.

Browsers fetch them from `pages.panels.routes`. A component's folder has a ``main.js`` with a class
``Shown`` (``constructor(component)``, ``update(component)``, ``destroy()``), and a ``loader.js``
with ``prefetch(data)``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from pages.frame.addresses import base_path

PREFIX = "/latent/panels"
_PANELS = Path(__file__).parent
_SHARED = "browser"
_MOUNT = "mount"


@lru_cache(maxsize=1)
def sources() -> dict[str, bytes]:
    """Read every module once, by ``folder/name``; this is the allow-list of the route."""
    return {
        f"{path.parent.name}/{path.stem}": path.read_bytes()
        for path in sorted(_PANELS.glob("*/*.js"))
        if path.stem != _MOUNT
    }


@lru_cache(maxsize=1)
def version() -> str:
    """Return a short hash over all modules; part of their URL, so that they may be immutable."""
    digest = hashlib.blake2b(digest_size=8)
    for name, source in sources().items():
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()


def paths(component: str) -> list[str]:
    """Return the paths of all modules of a component below the base path, to load ahead."""
    return [f"{PREFIX.removeprefix('/')}/{version()}/{name}.js" for name in _names(component)]


def folder_url(component: str) -> str:
    """Return the absolute path of a component's modules, including the base path."""
    return f"{base_path()}{PREFIX}/{version()}/{component}/"


def register(component: str) -> Callable[..., Any]:
    """Tell Streamlit of a component that consists of modules.

    Parameters
    ----------
    component : str
        Its folder, with its styles.

    Returns
    -------
    callable
        Mounts it; its ``data`` must have `folder_url` as ``modules``.
    """
    styles = [_PANELS / _SHARED / f"{_MOUNT}.css", *sorted((_PANELS / component).glob("*.css"))]
    mount = (_PANELS / _SHARED / f"{_MOUNT}.js").read_text(encoding="utf-8")
    return st.components.v2.component(
        f"latent_{component}",
        css="\n".join(style.read_text(encoding="utf-8") for style in styles),
        js=mount.replace("MODULES = []", f"MODULES = {json.dumps(_names(component))}"),
    )


def _names(component: str) -> list[str]:
    return [name for name in sources() if name.split("/")[0] in (component, _SHARED)]
