"""An app of tables: as Streamlit makes them, and with the height that ours have from the first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.frame.tables import show_table

for rows in (0, 3, 30):
    frame = pd.DataFrame({"n": np.arange(rows)})
    with st.container(key=f"streamlit-{rows}"):
        st.dataframe(frame, hide_index=True)
    with st.container(key=f"ours-{rows}"):
        show_table(frame)
