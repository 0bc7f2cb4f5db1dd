"""Latents that are being extracted to be compared: where one page asks, another one waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

_AWAITED = "latents_awaited"


@dataclass(frozen=True)
class Awaited:
    """Extractions whose latents are to be held against each other.

    Attributes
    ----------
    samples : str
        The place of what is encoded.
    jobs : tuple of str
        The first one's latents are what the others are held against.
    labels : str or None
        What they are judged by, as a request wants it.
    """

    samples: str
    jobs: tuple[str, ...]
    labels: str | None = None


def await_latents(samples: str, jobs: Sequence[str], labels: str | None) -> None:
    """Let the Compare page wait for extractions, and compare what they give."""
    st.session_state[_AWAITED] = Awaited(samples, tuple(dict.fromkeys(jobs)), labels)


def awaited() -> Awaited | None:
    """Return what this session waits for."""
    found: Awaited | None = st.session_state.get(_AWAITED)
    return found


def wait_no_more() -> None:
    """Let go of what was waited for."""
    st.session_state.pop(_AWAITED, None)
