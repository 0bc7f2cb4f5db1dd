"""What the server does when it starts, while the first visitor is still on the way.

PyTorch comes first, whole and alone. SciPy and scikit-learn look for ``torch.Tensor`` in
``sys.modules`` whenever they are called, and fail in one thread while another one imports PyTorch.
"""

from __future__ import annotations

import gc
import importlib
import logging
import threading
import time
from collections.abc import Callable

import streamlit as st

from latentcore import readers
from latentcore.analysis import clustering, denoising
from latentcore.encoders import load_ahead
from pages.frame import heap
from pages.frame.cache_locks import forget_unused

_LOGGER = logging.getLogger("latent_explorer")
_COLLECT_EVERY_S = 20.0
_FIRST_VISIT_S = 10.0
_FIRST_PAGE = "pages.tasks.explore.explorer"
_loaded = threading.Event()
_loaded.set()  # a page without a server, as in tests, waits for nothing


def in_background(*works: Callable[[], None]) -> None:
    """Import PyTorch in a thread, then do `works`, each in a thread of its own."""
    heap.keep_in_few_pieces()
    _loaded.clear()
    threading.Thread(target=_start, args=works, name="start", daemon=True).start()


def wait() -> None:
    """Wait until PyTorch is there; for each session, before anything is computed."""
    if not _loaded.is_set():
        with st.spinner("The server is starting …"):
            _loaded.wait()


def _start(*works: Callable[[], None]) -> None:
    try:
        load_ahead()
    except Exception:
        # What needs PyTorch says so itself; the rest of the pages must come up without it.
        _LOGGER.exception("PyTorch could not be imported")
    finally:
        _loaded.set()
    # What the first visit to Explore would wait for, before work that would be in its way.
    importlib.import_module(_FIRST_PAGE)
    readers.load_ahead()
    clustering.load_ahead()
    for work in works:
        threading.Thread(target=work, name=work.__module__, daemon=True).start()
    # To look at all that PyTorch and the others have made for good takes 0.2 s.
    gc.freeze()
    # One who averages patterns with their neighbors would compile for it, amid all others' runs;
    # but who opens the first page needs the processor more.
    later = threading.Timer(_FIRST_VISIT_S, denoising.load_ahead)
    later.daemon = True
    later.start()


def collect_garbage() -> None:
    """Collect garbage from time to time, for as long as the server runs.

    Streamlit would do so after each run of a page and of a fragment (``runner.postScriptGC``): with
    20 visitors that is half of all that their runs take, and no other thread runs meanwhile.
    """
    while True:
        time.sleep(_COLLECT_EVERY_S)
        forget_unused()
        gc.collect()
        heap.give_back()
