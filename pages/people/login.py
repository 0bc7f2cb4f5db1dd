"""The way in and out: a page for whoever isn't signed in, and one's name in the sidebar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.auth_util import get_secrets_auth_section
from streamlit.web.server.server_util import get_cookie_secret

from latentcore.settings import settings
from pages.access import identity
from pages.frame.errors import markdown_safe


def show_way_in(wordmark: Path) -> None:
    """Show how to sign in, where nobody is."""
    with st.container(key="sign_in", border=True, horizontal_alignment="center"):
        st.image(str(wordmark), width=280)
        if identity.way_in() == "header":
            _show_header_page()
        else:
            _show_login_page()


def show_user() -> None:
    """Show who is signed in, and the way out, in the sidebar."""
    user = identity.current_user()
    if not user.name:
        return
    with st.sidebar.container(
        key="signed_in", horizontal=True, vertical_alignment="center", gap="small"
    ):
        role = " · operator" if user.operator else ""
        st.markdown(f":material/person: :small[{markdown_safe(user.name)}{role}]", width="stretch")
        if identity.way_in() == "login" or settings().sign_out_url:
            st.button(
                "Sign out", key="sign_out", icon=":material/logout:", type="tertiary",
                on_click=st.logout,
            )  # fmt: skip


def _show_login_page() -> None:
    if len(get_cookie_secret()) < identity.SHORTEST_SECRET:
        st.error(
            "Nobody can sign in: `cookie_secret` in the server's `secrets.toml` has fewer than "
            f"{identity.SHORTEST_SECRET} characters. The operator makes a longer one.",
            icon=":material/error:",
        )
        return
    if st.user.get("is_logged_in"):
        _show_why_refused()
    st.markdown("Sign in to see your scans, runs and regions, and what others share with you.")
    for provider in _providers():
        st.button(
            f"Sign in with {markdown_safe(provider.capitalize())}" if provider else "Sign in",
            key=f"sign_in_{provider}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(provider or None,),
        )


def _show_why_refused() -> None:
    claim = settings().user_claim
    if not st.user.get(claim):
        text = (
            f"Your login says nothing that this server knows you by: it lacks “{claim}”. Sign in "
            "with another account, or ask the operator, who chooses it by LATENT_USER_CLAIM."
        )
    elif st.user.get("email_verified") is False:
        text = "Your provider has not verified your address. Do so there, and sign in again."
    else:
        text = "You were signed out, or your login has become too old. Sign in again."
    st.info(markdown_safe(text), icon=":material/info:")


def _show_header_page() -> None:
    st.markdown("Nobody has told this server who you are.")
    st.caption(
        "It is reached by the laboratory's own address, where you sign in. If that is where you "
        "are, the operator looks at LATENT_TRUSTED_PROXIES and at the header that the proxy sends."
    )


def _providers() -> list[str]:
    """Return the names of the providers in ``secrets.toml``, empty for the one without a name."""
    section = get_secrets_auth_section()
    named = [name for name in section if hasattr(section[name], "keys") and name != "client_kwargs"]
    return ["", *named] if "client_id" in section else named
