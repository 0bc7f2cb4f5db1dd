from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latentcore.settings import settings
from pages.panels.array_store import ARRAY_PREFIX, ArrayStore


def key_of(handle) -> str:
    return handle.url.removeprefix(ARRAY_PREFIX)


def test_same_content_has_one_url_and_one_copy():
    store = ArrayStore()
    a = np.arange(1000, dtype=np.float32)
    first, second = store.put(a), store.put(a.copy())
    assert first == second
    assert len(store) == 1
    assert store.nbytes == 4000
    assert first.dtype == "float32"
    assert first.shape == (1000,)


def test_content_dtype_and_shape_say_arrays_apart():
    store = ArrayStore()
    a = np.arange(6, dtype=np.int32)
    arrays = (a, a + 1, a.view(np.float32), a.reshape(2, 3))
    assert len({store.put(array).url for array in arrays}) == 4


def test_url_is_a_capability_of_this_store():
    a = np.arange(4, dtype=np.float32)
    urls = {ArrayStore().put(a).url for _ in range(3)}
    assert len(urls) == 3
    assert all(re.fullmatch(r"/latent/arrays/[0-9a-f]{64}", url) for url in urls)


def test_bytes_are_little_endian_and_c_ordered():
    store = ArrayStore()
    swapped = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    payload, _ = store.get(key_of(store.put(swapped)))
    assert np.frombuffer(payload, "<f4").tolist() == [0, 1, 2, 3, 4, 5]


def test_other_dtypes_are_refused():
    with pytest.raises(TypeError, match="float64"):
        ArrayStore().put(np.zeros(3))


def test_least_recently_used_goes_first():
    store = ArrayStore(limit_bytes=8000)
    a, b, c = (store.put(np.full(1000, k, np.float32)) for k in range(3))
    assert store.get(key_of(a)) is None
    assert store.get(key_of(b)) is not None
    store.put(np.full(1000, 9, np.float32))
    assert store.get(key_of(c)) is None
    assert store.get(key_of(b)) is not None
    assert store.nbytes == 8000


def test_the_limit_is_what_the_setting_says(monkeypatch):
    monkeypatch.setenv("LATENT_ARRAY_STORE_MB", "1")
    settings.cache_clear()
    try:
        store = ArrayStore()
        for value in range(3):
            store.put(np.full(200_000, value, np.float32))
        assert (len(store), store.nbytes) == (1, 800_000)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_array_beyond_the_limit_is_kept_alone():
    store = ArrayStore(limit_bytes=100)
    store.put(np.zeros(10, np.float32))
    large = store.put(np.ones(1000, np.float32))
    assert len(store) == 1
    assert store.get(key_of(large)) is not None


def test_keyed_arrays_are_made_once_and_again_after_eviction():
    store = ArrayStore(limit_bytes=8000)
    made = []

    def make():
        made.append(1)
        return np.zeros(1000, np.float32)

    first = store.put_keyed("latent/7", make)
    assert store.put_keyed("latent/7", make) == first
    assert len(made) == 1
    for k in range(3):
        store.put(np.full(1000, k, np.float32))
    assert store.put_keyed("latent/7", make) == first
    assert len(made) == 2


def test_keys_go_with_what_they_stand_for():
    store = ArrayStore(limit_bytes=8000, limit_providers=2)
    for k in range(50):
        store.put(np.full(1000, k, np.float32))
        store.put_patterns(str(k), lambda row: np.zeros((2, 2)))
    assert len(store._grants) == len(store._keys) == len(store) + 2
    again = store.put(np.zeros(1000, np.float32))
    assert store.get(key_of(again)) is not None


def test_many_threads_agree():
    store = ArrayStore(limit_bytes=50_000)

    def work(seed):
        rng = np.random.default_rng(seed % 5)
        array = rng.normal(size=1000).astype(np.float32)
        handle = store.put(array)
        found = store.get(key_of(handle))
        return found is None or found[0] == array.tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert store.nbytes == sum(len(entry.payload) for entry in store._entries.values())


def test_pattern_providers_are_bounded():
    store = ArrayStore(limit_providers=2)
    urls = [store.put_patterns(str(k), lambda row: np.zeros((2, 2))) for k in range(3)]
    found = [store.provider(url.rpartition("/")[2]) for url in urls]
    assert found[0] is None
    assert found[1] is not None
    assert found[2] is not None
