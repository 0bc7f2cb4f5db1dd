"""With whom a thing is shared: a list, and a way to let more people in or some out again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from pages.access import claims, identity
from pages.access.claims import BY_LINK, EVERYBODY, Kind, Right, Thing
from pages.frame.addresses import base_path
from pages.frame.errors import markdown_safe

_A_PERSON = "a person"
_ICONS = {
    claims.PERSON: ":material/person:",
    claims.GROUP: ":material/group:",
    EVERYBODY: ":material/public:",
    BY_LINK: ":material/link:",
}
_TITLES = {
    _A_PERSON: "A person …",
    EVERYBODY: "Everybody who is signed in",
    BY_LINK: "Whoever has the link",
}
_RIGHTS: dict[Right, str] = {"read": "may look at it", "write": "may change it"}


def share_button(
    kind: Kind, name: str, *, key: str = "", with_it: Iterable[Thing] = (), address: str = ""
) -> None:
    """Offer to share a thing of one's own; nothing where people don't sign in.

    Parameters
    ----------
    key : str
        Of the widgets, where a page shows the thing twice.
    with_it : iterable of Thing
        What it was made of: those that are one's own are shared with it.
    address : str
        Where it is seen, relative to the pages, for those who get the link.
    """
    if not identity.way_in() or claims.access(kind, name) != "own":
        return
    along = [thing for thing in dict.fromkeys(with_it) if claims.access(*thing) == "own"]
    shared = claims.of(kind, name).shared
    title = f"Shared with {len(shared)}" if shared else "Share"
    key = key or f"{kind}_{name}"
    with st.popover(title, icon=":material/group_add:", key=f"share_{key}"):
        for number, (audience, right) in enumerate(shared.items()):
            _line(f"unshare_{key}_{number}", (kind, name), along, audience, right)
        if not shared:
            st.caption("Only you can open it." if kind == "upload" else "Only you can see it.")
        _ask(f"share_with_{key}", (kind, name), along)
        if address and shared:
            st.caption("They find it here:")
            st.code(_absolute(address), language=None, wrap_lines=True)


def give_button(things: Sequence[Thing], key: str = "") -> None:
    """Offer an operator to give what is nobody's to somebody.

    Parameters
    ----------
    things : sequence of Thing
        What of these is somebody's already is left alone.
    key : str
        Of the widgets; made of the first thing's name if not given.
    """
    key = key or "give_to_{}_{}".format(*things[0])
    with st.popover("Give to", icon=":material/person_add:", disabled=not things):
        _ask_name(key)
        st.button("Give", key=f"{key}_now", type="primary", on_click=_give, args=(things, key))


def _ask_name(key: str) -> None:
    example = identity.current_user().name
    st.text_input("Name", key=key, placeholder=f"such as {example}")


def _line(key: str, thing: Thing, along: list[Thing], audience: str, right: Right) -> None:
    kind, _, name = audience.partition(":")
    title = markdown_safe(name) if name else _TITLES[audience]
    icon = _ICONS[f"{kind}:" if name else audience]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{icon} {title} :small[:gray[{_RIGHTS[right]}]]", width="stretch")
        st.button(
            "", key=key, icon=":material/close:", type="tertiary", help="Stop sharing",
            on_click=_set, args=([thing, *along], audience, None),
        )  # fmt: skip


def _ask(key: str, thing: Thing, along: list[Thing]) -> None:
    groups = {
        claims.group(name): f"Group {name}" for name in sorted(identity.current_user().groups)
    }
    options = [_A_PERSON, *groups, EVERYBODY, BY_LINK]
    with st.container(border=True):
        chosen = st.selectbox(
            "Share with", options, key=key, format_func=lambda one: {**_TITLES, **groups}[one]
        )
        if chosen == _A_PERSON:
            _ask_name(f"{key}_name")
        st.segmented_control(
            "They", list(_RIGHTS), key=f"{key}_right", default="read", required=True,
            format_func=lambda right: _RIGHTS[right], label_visibility="collapsed",
        )  # fmt: skip
        if along:
            files = "file" if len(along) == 1 else f"{len(along)} files and runs"
            st.caption(f"Your {files} that it was made of can be looked at, too.")
        st.button(
            "Share", key=f"{key}_now", type="primary", icon=":material/group_add:",
            on_click=_share, args=(thing, along, key),
        )  # fmt: skip


def _share(thing: Thing, along: list[Thing], key: str) -> None:
    audience, right = st.session_state[key], st.session_state[f"{key}_right"]
    if audience == _A_PERSON:
        name = identity.written(st.session_state[f"{key}_name"])
        if not identity.is_name(name):
            st.toast("Write the person's name first.", icon=":material/error:")
            return
        audience = claims.person(name)
    _set([thing], audience, right)
    _set(along, audience, "read")


def _set(things: Iterable[Thing], audience: str, right: Right | None) -> None:
    for kind, name in things:
        if claims.access(kind, name) == "own":  # still
            claims.share(kind, name, audience, right)


def _give(things: Iterable[Thing], key: str) -> None:
    name = identity.written(st.session_state[key])
    if not identity.current_user().operator or not identity.is_name(name):
        return
    for thing in things:
        if not claims.of(*thing).owners:
            claims.give(*thing, name)


def _absolute(address: str) -> str:
    """Return an address of this server as the session's browser knows it."""
    scheme, _, rest = (st.context.url or "").partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{base_path()}/{address}"
