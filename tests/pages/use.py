"""What a user reads on a page, presses, and has in the address."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

from pages.frame import navigation
from pages.view.question import Question
from pages.view.question_link import from_query

PAGES = tuple(name for name in navigation.names() if name != "operator")


def page_text(app: AppTest) -> str:
    """Return what a page says, Markdown's escapes taken away; it must not have failed."""
    assert not app.exception
    shown = [*app.error, *app.warning, *app.info, *app.caption, *app.markdown, *app.subheader]
    return re.sub(r"\\(.)", r"\1", "\n".join(one.value for one in shown))


def press(app: AppTest, label: str) -> AppTest:
    """Press the one button of that label."""
    [button] = [one for one in app.button if one.label == label]
    return button.click().run()


def address(app: AppTest) -> dict[str, str]:
    """Return the parameters of the page's address, of several of one name the first."""
    return {
        name: value if isinstance(value, str) else value[0]
        for name, value in app.query_params.items()
        if value
    }


def asked(app: AppTest) -> Question:
    """Return what is asked of the Explore page."""
    return from_query(address(app))


def open_server_folder(app: AppTest) -> AppTest:
    """Open *Server folder* on the Data page: what lies there is listed only then."""
    app.session_state["data_open"] = ":material/dns: Server folder"
    return app.run()
