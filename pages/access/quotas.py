"""What one user may take: room on the disk, and time of the workers.

A thing that several users have counts for each of them. Where nobody signs in, all is of one user;
where people do, what the server makes for all is of nobody and has no bound.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from latentcore.errors import RequestError
from latentcore.settings import settings
from pages.access import claims, disk, identity
from pages.access.claims import Kind
from pages.frame.units import duration_text, size_text

DAY_S = 86_400.0

_GIGABYTE = 1_000_000_000


def check(user: str, worked: Callable[[float], Mapping[str, float]]) -> None:
    """Refuse by a `RequestError` the work of a user who has used up what they may take.

    Parameters
    ----------
    worked : callable
        Returns for how many seconds each user's jobs have worked since a moment.
    """
    if not _is_bounded(user):
        return
    check_room(user)
    hours = settings().user_job_hours
    spent = worked(time.time() - DAY_S).get(user, 0.0) if hours else 0.0
    if hours and spent >= 3600 * hours:
        message = (
            f"Your jobs have worked for {duration_text(spent)} within the last 24 hours; the "
            f"operator allows {hours} h (LATENT_USER_JOB_HOURS).\nNothing is lost. Ask again later."
        )
        raise RequestError(message)


def check_upload(digest: str, size: int) -> None:
    """Refuse by a `RequestError` a file that the present user has no room for."""
    user = identity.acting_name()
    if settings().user_gb and digest not in taken_by("upload", user):
        check_room(user, size)


def check_room(user: str, coming: int = 0) -> None:
    """Refuse by a `RequestError` what a user has no room for.

    Parameters
    ----------
    coming : int
        Bytes that are known to come.
    """
    limit = settings().user_gb
    if limit is None or not _is_bounded(user):
        return
    runs, uploads = taken_by("run", user), taken_by("upload", user)
    used = sum(runs.values()) + sum(uploads.values())
    if used + coming > limit * _GIGABYTE or used >= limit * _GIGABYTE:
        more = f" With the {size_text(coming)} to come they would take more." if coming else ""
        message = (
            f"Your files take {size_text(used)} of the {limit} GB that one user may have "
            f"(LATENT_USER_GB): runs {size_text(sum(runs.values()))}{_largest(runs)}, uploads "
            f"{size_text(sum(uploads.values()))}.{more}\nDelete runs on the Runs page, or uploads "
            "on the Data page, and try again."
        )
        raise RequestError(message)


def taken_by(kind: Kind, user: str) -> dict[str, int]:
    """Return the bytes of each thing that a user has, by its name."""
    sizes = (disk.runs() if kind == "run" else disk.uploads()).of_each()
    if not identity.way_in():
        return sizes
    return {name: size for name, size in sizes.items() if user in claims.of(kind, name).owners}


def _is_bounded(user: str) -> bool:
    return bool(user) or not identity.way_in()


def _largest(runs: Mapping[str, int]) -> str:
    """Name the verbs whose runs take most."""
    of_verbs: Counter[str] = Counter()
    for name, size in runs.items():
        of_verbs[name.rpartition("-")[0] or name] += size
    named = ", ".join(f"{verb} {size_text(size)}" for verb, size in of_verbs.most_common(3))
    return f" ({named})" if named else ""
