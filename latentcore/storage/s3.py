"""The connection to S3: one client, errors in plain language, patience with a broken line.

Credentials come from the server's environment, profile or role, never from a user; no message
repeats what the service or boto3 said, because that may name a key.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from latentcore.errors import StorageError
from latentcore.progress import Progress
from latentcore.settings import settings
from latentcore.storage.locations import S3Location

T = TypeVar("T")

_CONNECT_S = 5
_READ_S = 60
_LONGEST_PAUSE_S = 15.0
_LOOK_EVERY_S = 0.1
_SERVER_ERROR = 500
_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"}


@lru_cache(maxsize=4)
def client_for(endpoint: str | None) -> Any:
    """Return the client of an S3 endpoint, AWS where it is None; one per process and endpoint."""
    import boto3
    from botocore.config import Config

    # Ceph and MinIO of some age know neither the newer default checksums nor buckets as host
    # names; what is transferred is checked by this room itself.
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else None,
    )
    return boto3.session.Session().client("s3", endpoint_url=endpoint, config=config)


def client() -> Any:
    """Return this process's S3 client; safe to share between threads.

    Raises
    ------
    StorageError
        If the profile or region that the environment names can't be used.
    """
    from botocore.exceptions import BotoCoreError

    try:
        return client_for(settings().s3_endpoint)
    except (BotoCoreError, ValueError) as error:
        raise _unreachable(error, None) from error


@contextlib.contextmanager
def in_plain_words(location: S3Location | None = None) -> Iterator[None]:
    """Turn what boto3 raises within into a `StorageError`.

    Parameters
    ----------
    location : S3Location, optional
        What was asked for.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _unreachable(error, location) from error


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    from botocore import exceptions
    from urllib3.exceptions import HTTPError

    if isinstance(error, exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or _code(error) in _BUSY
    broken = (
        exceptions.ConnectionError,  # refused
        exceptions.HTTPClientError,  # cut off, timed out
        exceptions.ResponseStreamingError,
        exceptions.IncompleteReadError,
        HTTPError,
        ConnectionError,
        TimeoutError,
    )
    return isinstance(error, broken)


class Patience:
    """How long to go on trying when the line breaks: exponential pauses with jitter.

    Parameters
    ----------
    progress : Progress
        Asked during the pauses whether to stop.
    seconds : float, optional
        After so long without any success it is enough; the setting ``LATENT_S3_PATIENCE_S`` if
        not given.
    """

    def __init__(self, progress: Progress, seconds: float | None = None) -> None:
        self._progress = progress
        self._seconds = settings().s3_patience_s if seconds is None else seconds
        self._since = time.monotonic()
        self._attempt = 0

    def succeeded(self) -> None:
        """Note that something arrived: patience is as long as at first."""
        self._since = time.monotonic()
        self._attempt = 0

    def pause(self, error: Exception) -> None:
        """Wait before the next attempt, or raise `error` when it is enough.

        Raises
        ------
        Cancelled
            If that was asked for meanwhile.
        """
        left = self._since + self._seconds - time.monotonic()
        if not is_transient(error) or left <= 0:
            raise error
        pause = min(0.25 * 2**self._attempt, _LONGEST_PAUSE_S, left)
        pause *= random.uniform(0.5, 1.0)  # noqa: S311 - so that many clients don't knock at once
        self._attempt += 1
        end = time.monotonic() + pause
        while (rest := end - time.monotonic()) > 0:
            self._progress.step(0, 0, "waiting for S3")
            time.sleep(min(rest, _LOOK_EVERY_S))


def persistently(action: Callable[[], T], progress: Progress) -> T:
    """Run an action, again and again while only the line is to blame."""
    patience = Patience(progress)
    while True:
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - `pause` raises what isn't transient
            patience.pause(error)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unreachable(error: Exception, location: S3Location | None) -> StorageError:
    from botocore import exceptions

    what = "S3" if location is None else str(location)
    if isinstance(error, exceptions.ClientError):
        return _refused(error, location, what)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        why = (
            "this server has no S3 credentials. Its operator sets AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE) or a role."
        )
    elif isinstance(error, exceptions.ProfileNotFound):
        why = "AWS_PROFILE names a profile that this server doesn't have. Correct the setting."
    elif isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        why = (
            f"the service at {_endpoint()} doesn't answer. Check LATENT_S3_ENDPOINT and the "
            "network, then try again: what has arrived so far is kept."
        )
    else:
        why = f"{type(error).__name__}. Check the server's S3 settings (README, Settings)."
    return StorageError(f"{what} can't be reached: {why}")


def _refused(error: Any, location: S3Location | None, what: str) -> StorageError:
    code = _code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    bucket = "" if location is None else location.bucket
    reasons = {
        "InvalidAccessKeyId": f"the service at {_endpoint()} doesn't know the server's access "
        "key. Its operator checks AWS_ACCESS_KEY_ID or the profile.",
        "SignatureDoesNotMatch": "the server's secret key is wrong. Its operator checks "
        "AWS_SECRET_ACCESS_KEY or the profile.",
        "NoSuchBucket": f"there is no bucket {bucket!r} at {_endpoint()}. Check its name.",
        "NoSuchKey": "there is no such object. Check the key; it may have been moved or deleted.",
        "AccessDenied": "the server's credentials don't permit it. Ask the bucket's owner for "
        "access.",
        "PreconditionFailed": "the object changed while it was read. Try again when it is "
        "complete.",
    }
    expired = dict.fromkeys(
        ("ExpiredToken", "InvalidToken", "ExpiredTokenException"),
        "the server's credentials have expired. Its operator renews them.",
    )
    same = {"403": "AccessDenied", "404": "NoSuchKey", "412": "PreconditionFailed"}
    known = reasons | expired
    why = known.get(code) or known.get(same.get(str(status), ""))
    if why is None:
        why = f"the service answered {code or 'without a code'} ({status}). Try again later."
    return StorageError(f"{what} can't be used: {why}")


def _endpoint() -> str:
    return settings().s3_endpoint or "AWS"
