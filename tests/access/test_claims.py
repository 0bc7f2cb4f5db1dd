"""Whose things are, whatever people do with them in whatever order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from latentcore.errors import InputError, RequestError
from pages.access import claims
from pages.access.claims import BY_LINK, EVERYBODY, Claims, group, person
from pages.access.identity import NOBODY_IN_PARTICULAR, User, acting_as

NAMES = ("anna", "bert", "group:metals", "everybody", "link")
USERS = [User(name, frozenset({"metals"} if name == "anna" else ())) for name in NAMES]
OLGA = User("olga", operator=True)
AUDIENCES = [EVERYBODY, BY_LINK, group("metals"), *map(person, NAMES)]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.sampled_from(USERS)),
        st.tuples(st.just("give up"), st.sampled_from([*USERS, OLGA])),
        st.tuples(
            st.just("share"), st.sampled_from(AUDIENCES), st.sampled_from(["read", "write", None])
        ),
    ),
    max_size=12,
)


@given(steps)
@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_claims_are_those_of_a_plain_list(with_headers: Path, steps: list[tuple]) -> None:
    with acting_as(OLGA):
        claims.give_up("run", "one")
    owners: list[str] = []
    shared: dict[str, str] = {}
    for what, *about in steps:
        if what == "share":
            audience, right = about
            claims.share("run", "one", audience, right)
            shared.pop(audience, None)
            shared |= {audience: right} if right else {}
            continue
        user: User = about[0]
        with acting_as(user):
            if what == "claim":
                claims.claim("run", "one")
                owners += [] if user.name in owners else [user.name]
            elif user.name not in owners and not user.operator:
                with pytest.raises(RequestError, match="somebody else"):
                    claims.give_up("run", "one")
            else:
                last = len(owners) <= 1 or user.operator
                assert claims.give_up("run", "one") is last
                owners = [] if last else [one for one in owners if one != user.name]
                shared = {} if last else shared
    assert claims.of("run", "one") == Claims(tuple(owners), shared)
    for user in USERS:
        mine = {EVERYBODY, BY_LINK, person(user.name), *map(group, user.groups)} & shared.keys()
        rights = {shared[audience] for audience in mine}
        with acting_as(user):
            found = claims.access("run", "one")
            expected = "write" if "write" in rights else "read" if rights else ""
            assert found == ("own" if user.name in owners else expected)
            assert (not found) == bool(_refused(user))


def _refused(user: User) -> str:
    try:
        claims.check("run", "one", "run:one/a.h5")
    except InputError as error:
        return str(error)
    return ""


def test_what_only_the_address_opens_is_in_no_list(with_headers: Path) -> None:
    claims.share("run", "one", BY_LINK, "read")
    with acting_as(USERS[0]):
        assert claims.access("run", "one") == "read"
        assert claims.access("run", "one", listed=True) == ""


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"owners": ["anna"]}', b'{"owners": "anna", "shared": {}}',
                b'{"owners": ["anna"], "shared": {"everybody": "all"}}'],
)  # fmt: skip
def test_a_damaged_record_lets_nobody_in(with_headers: Path, content: bytes) -> None:
    with acting_as(USERS[0]):
        claims.claim("run", "one")
        assert claims.access("run", "one") == "own"
        record = with_headers / "access" / "run" / "one.json"
        record.write_bytes(content)
        assert claims.access("run", "one") == ""
    with acting_as(OLGA):
        assert claims.may_manage("run", "one") and claims.give_up("run", "one")


def test_without_a_login_no_record_is_kept(workspace: Path) -> None:
    claims.claim("run", "one")
    assert claims.access("run", "one") == "own"
    assert claims.give_up("run", "one")
    assert not workspace.exists()
    with acting_as(NOBODY_IN_PARTICULAR):
        claims.check("run", "one", "run:one")
