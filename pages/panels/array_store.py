"""A process-wide store of arrays and thumbnails that the browser fetches by URL.

Heavy arrays must not travel through Streamlit's websocket: a component's ``data`` is sent anew
whenever anything in it changes. They are put here instead, the component is sent a URL, and the
browser fetches the bytes once and keeps them. A URL is a capability: its key is an HMAC under a
secret that is drawn when the process starts, so it can be neither guessed nor computed from the
content, and it dies with the process. A key is made for one user, and no other's request is given
what it stands for. See `pages.panels.routes` for the routes that serve it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from latentcore.settings import settings
from pages.access.identity import current_user

ARRAY_PREFIX = "/latent/arrays/"
PATTERN_PREFIX = "/latent/patterns/"

_WIRE_DTYPES = {"f": "<f4", "i": "<i4"}
# Of half a kilobyte each; one user has no more than arrays and providers are held.
_MOST_GRANTS = 50_000
_KEY_PATTERN = re.compile(r"[0-9a-f]{64}")

PatternProvider = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class ArrayHandle:
    """Where the browser finds an array, and how to read its bytes.

    Parameters
    ----------
    url : str
        Path on this server, without ``server.baseUrlPath``.
    dtype : str
        ``"float32"`` or ``"int32"``; the bytes are little-endian.
    shape : tuple of int
        Shape in C order.
    """

    url: str
    dtype: str
    shape: tuple[int, ...]

    def as_json(self, base: str) -> dict[str, str]:
        """Return the handle as the browser reads it, below ``server.baseUrlPath``."""
        return {"url": base + self.url, "dtype": self.dtype}


@dataclass(frozen=True)
class _Entry:
    payload: bytes
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Grant:
    """What a key stands for, and who may use it."""

    user: str
    content: bytes


class ArrayStore:
    """Keep the most recently used arrays within a number of bytes. Thread-safe.

    Parameters
    ----------
    limit_bytes : int, optional
        Arrays beyond this total are forgotten, least recently used first; by default
        ``LATENT_ARRAY_STORE_MB``. One array larger than the limit is still kept (alone), because
        refusing it would leave the page empty.
    limit_providers : int
        Number of pattern providers kept, least recently used dropped first.
    """

    def __init__(self, limit_bytes: int | None = None, limit_providers: int = 64) -> None:
        self._secret = secrets.token_bytes(32)
        self._lock = threading.RLock()
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._grants: OrderedDict[str, _Grant] = OrderedDict()
        self._keys: defaultdict[bytes, set[str]] = defaultdict(set)
        self._providers: OrderedDict[str, PatternProvider] = OrderedDict()
        self._limit_bytes = limit_bytes
        self._limit_providers = limit_providers
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return self._bytes

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def put(self, array: np.ndarray) -> ArrayHandle:
        """Store a float32 or int32 array, copied; the same content has one copy and one URL."""
        wire = _to_wire(array)
        digest = hashlib.blake2b(wire.data, digest_size=32)
        digest.update(f"{wire.dtype.str}{wire.shape}".encode())
        return self._put(b"content\0" + digest.digest(), lambda: wire)

    def put_keyed(self, key: str, make: Callable[[], np.ndarray]) -> ArrayHandle:
        """Store an array under a caller's fingerprint, making it only if it is not held.

        Parameters
        ----------
        key : str
            A text that changes whenever the content changes; the content is not looked at.
        make : callable
            Returns the float32 or int32 array. Called outside of the lock, at most once here.
        """
        return self._put(b"keyed\0" + key.encode(), lambda: _to_wire(make()))

    def put_patterns(self, key: str, provider: PatternProvider) -> str:
        """Register where thumbnails come from.

        Parameters
        ----------
        key : str
            Fingerprint of the samples; the latest provider of a key replaces the earlier one.
        provider : callable
            Row number to pattern (H, W). Called from several threads at once.

        Returns
        -------
        str
            URL prefix; thumbnail ``row`` is at ``f"{prefix}/{row}.png"``.
        """
        with self._lock:
            capability = self._granted(b"patterns\0" + key.encode())
            self._providers[capability] = provider
            self._providers.move_to_end(capability)
            while len(self._providers) > self._limit_providers:
                forgotten, _ = self._providers.popitem(last=False)
                self._revoke(forgotten)
        return PATTERN_PREFIX + capability

    def get(self, capability: str, user: str = "") -> tuple[bytes, ArrayHandle] | None:
        """Return the bytes and handle of an array, or None if it is not held for this user."""
        with self._lock:
            grant = self._grants.get(capability)
            entry = self._entries.get(grant.content) if grant and grant.user == user else None
            if grant is None or entry is None:
                return None
            self._entries.move_to_end(grant.content)
            return entry.payload, _handle(capability, entry)

    def provider(self, capability: str, user: str = "") -> PatternProvider | None:
        """Return a pattern provider, or None if it is not registered for this user."""
        with self._lock:
            grant = self._grants.get(capability)
            if grant is None or grant.user != user:
                return None
            found = self._providers.get(capability)
            if found is not None:
                self._providers.move_to_end(capability)
            return found

    def clear(self) -> None:
        """Forget all arrays and providers."""
        with self._lock:
            self._entries.clear()
            self._grants.clear()
            self._keys.clear()
            self._providers.clear()
            self._bytes = 0

    def _granted(self, content: bytes) -> str:
        """Return the key by which the present user, and nobody else, gets some content."""
        user = current_user().name
        message = b"%d\0%b\0%b" % (len(user), user.encode(), content)
        capability = hmac.new(self._secret, message, hashlib.sha256).hexdigest()
        with self._lock:
            self._grants[capability] = _Grant(user, content)
            self._grants.move_to_end(capability)
            self._keys[content].add(capability)
            while len(self._grants) > _MOST_GRANTS:
                self._revoke(next(iter(self._grants)))
        return capability

    def _revoke(self, capability: str) -> None:
        grant = self._grants.pop(capability, None)
        if grant is None:
            return
        self._keys[grant.content].discard(capability)
        if not self._keys[grant.content]:
            del self._keys[grant.content]

    def _put(self, content: bytes, make: Callable[[], np.ndarray]) -> ArrayHandle:
        found = self._entries.get(content)
        if found is None:
            wire = make()
            found = _Entry(wire.tobytes(), wire.dtype.newbyteorder("=").name, wire.shape)
        with self._lock:
            if content not in self._entries:
                self._entries[content] = found
                self._bytes += len(found.payload)
            self._entries.move_to_end(content)
            # Not before the array is there: one that is forgotten takes its keys along.
            capability = self._granted(content)
            self._evict()
        return _handle(capability, found)

    def _evict(self) -> None:
        limit = self._limit_bytes or settings().array_store_mb * 1024 * 1024
        while self._bytes > limit and len(self._entries) > 1:
            content, entry = self._entries.popitem(last=False)
            self._bytes -= len(entry.payload)
            for capability in tuple(self._keys.get(content, ())):
                self._revoke(capability)


def _handle(capability: str, entry: _Entry) -> ArrayHandle:
    return ArrayHandle(ARRAY_PREFIX + capability, entry.dtype, entry.shape)


def is_capability(text: str) -> bool:
    """Return whether a text has the form of a key of this store."""
    return _KEY_PATTERN.fullmatch(text) is not None


def _to_wire(array: np.ndarray) -> np.ndarray:
    """Return the array C-ordered in its little-endian wire dtype, without a copy if it is so."""
    if array.dtype.kind not in _WIRE_DTYPES or array.dtype.itemsize != 4:
        msg = (
            f"The browser is sent float32 or int32 arrays, got {array.dtype}; "
            "convert it where the loss of precision can be judged."
        )
        raise TypeError(msg)
    return np.ascontiguousarray(array, dtype=_WIRE_DTYPES[array.dtype.kind])


@lru_cache(maxsize=1)
def array_store() -> ArrayStore:
    """Return the store of this process, shared by all sessions and by the routes."""
    return ArrayStore()
