"""The frame around all pages, and the server's way in: ``streamlit run app.py``.

Streamlit looks for an ASGI app in this file and imports it as a module; then, for each session,
it runs the same file as a script, with the name ``__main__``. Each way takes its own branch at
the end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from pages.access import identity, presence
from pages.frame import errors, lagging_browsers, navigation, settings_check, start
from pages.frame.measured import PAGE_SECONDS
from pages.operation.allowed import may_operate
from pages.people import login
from pages.results.sidebar_jobs import show_jobs
from pages.scan import demo, fetching, memory, sidebar, state

# Files, as the browser would fetch a material icon for its tab from the network.
MARK = Path(__file__).parent / "pages" / "frame" / "mark.svg"
WORDMARK = MARK.with_name("wordmark.svg")


def main() -> None:
    """Draw the frame and, inside of the one error boundary, the page that was chosen."""
    lagging_browsers.pay_no_heed()
    st.set_page_config("Latent Explorer", page_icon=str(MARK), layout="wide")
    pages = navigation.all_pages(operator=may_operate())
    if identity.asking() is None:
        st.navigation(pages, position="hidden")
        login.show_way_in(WORDMARK)
        return
    st.logo(str(WORDMARK), size="large", icon_image=str(MARK))
    page = st.navigation(pages)
    presence.note()
    navigation.follow(pages, page)
    with PAGE_SECONDS.timed(page.url_path or navigation.DEFAULT), errors.boundary():
        notes = st.container()  # always there: what is open on the page stays so when it empties
        with notes:
            start.wait()
            if state.current().is_demo:
                demo.ensure_demo()
        refused = fetching.fetch_for_view(state.current().places)
        with notes:
            show_missing(state.check(refused))
        memory.remember_files(state.current().places)
        login.show_user()
        jobs = st.sidebar.container()
        listed = show_jobs(jobs)
        sidebar.sidebar()
        page.run()
        if not listed:
            show_jobs(jobs)  # those that the page has just asked for


def show_missing(problems: Sequence[str]) -> None:
    """Say what can't be in view and why, until somebody has taken note of it."""
    if not problems:
        return
    if state.current().is_empty:
        problems = (*problems, "Nothing is shown in its place.")
    lines = "\n".join(problems).split("\n")
    with st.container(key="missing", horizontal=True, vertical_alignment="center", wrap=False):
        st.warning("  \n".join(map(errors.markdown_safe, lines)), icon=":material/warning:")
        st.button("Dismiss", icon=":material/close:", on_click=state.dismiss)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Get ready while the first visitor is still on the way."""
    start.in_background(demo.prepare, settings_check.check, start.collect_garbage)
    yield


if __name__ == "__main__":
    main()
else:
    from starlette.middleware import Middleware
    from streamlit.runtime.pages_manager import PagesManager

    from pages.access import staying
    from pages.access.browsers import BrowserCookie
    from pages.access.gate import Gate
    from pages.access.wanted import WantedPage
    from pages.frame import logs, rail
    from pages.frame.addresses import PageAddresses, page_html
    from pages.frame.content_policy import ContentPolicy
    from pages.operation.addresses import OperatorAddresses
    from pages.panels import modules
    from pages.panels.routes import ROUTES
    from pages.tasks.explore import layout

    # Until the first session has called st.navigation, Streamlit would take pages/ for an app of
    # its older kind, and a first visitor at /data would get the bare page without this frame.
    PagesManager.uses_pages_directory = False

    logs.configure(identity.acting_name)

    frame_style = MARK.with_name("frame.css").read_text(encoding="utf-8") + layout.STYLE
    app = st.App(
        __file__,
        routes=ROUTES,
        lifespan=lifespan,
        middleware=[
            Middleware(OperatorAddresses),
            Middleware(Gate),
            Middleware(WantedPage),
            Middleware(ContentPolicy, html=page_html(frame_style, script=staying.SCRIPT)),
            Middleware(BrowserCookie),
            Middleware(
                PageAddresses,
                style=frame_style + rail.style(layout.WITH_RAIL),
                first_style=frame_style + rail.style(layout.WITH_RAIL, rail.EMPTY) + rail.ROOM,
                modules=lambda: modules.paths("linked_panels"),
                script=staying.script,
            ),
        ],
        on_script_error=errors.on_script_error,
    )
