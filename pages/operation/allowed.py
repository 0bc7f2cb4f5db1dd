"""Who sees what there is to say of the whole server."""

from __future__ import annotations

from ipaddress import ip_address

from streamlit import config

from pages.access import identity


def may_operate() -> bool:
    """Tell whether the present user looks after the server.

    Where nobody signs in, everybody is the same user: then it is whoever sits at this machine, as
    far as only that is listened to.
    """
    user = identity.asking()
    return user is not None and user.operator and (bool(identity.way_in()) or _is_for_one())


def _is_for_one() -> bool:
    address = str(config.get_option("server.address") or "")
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False
