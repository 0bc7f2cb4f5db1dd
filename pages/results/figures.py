"""Figures of runs, as the page shows them: drawn for print, on white, also in the dark theme."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st


def show_figure(
    file: Path, alt: str, *, width: int | Literal["stretch", "content"] = "stretch"
) -> None:
    """Show a figure as its file has it, framed.

    In the dark theme ``frame.css`` lays a veil over it, so that its white does not glare, until
    one points at it or opens it in full.
    """
    with st.container(key=f"figure_{file.parent.name}_{file.stem}"):
        st.image(str(file), alt=alt, width=width)
