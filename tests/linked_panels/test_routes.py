from __future__ import annotations

import asyncio
import io
import json
import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from streamlit import config

from pages.panels import modules
from pages.panels.array_store import array_store
from pages.panels.routes import ROUTES, pattern_png


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self):
        return json.loads(self.content)


class Client:
    """Speak ASGI to the routes; Starlette's own client needs a package that nothing else needs."""

    app = Starlette(routes=ROUTES)

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        sent: list[dict] = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        pairs = {"Host": "latent.test", **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in pairs.items()],
            "client": ("127.0.0.1", 1),
            "server": ("latent.test", 80),
        }
        asyncio.run(self.app(scope, receive, send))
        start = sent[0]
        found = {k.decode(): v.decode() for k, v in start["headers"]}
        return Answer(start["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def base_url():
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "team/latent")
    yield "/team/latent"
    config.set_option("server.baseUrlPath", before)


def test_array_comes_as_it_was_put(client):
    array = np.array([1.5, np.nan, -2], np.float32)
    answer = client.get(array_store().put(array).url, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert np.array_equal(np.frombuffer(answer.content, "<f4"), array, equal_nan=True)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "key", ["0" * 64, "nonsense", "..%2f..%2fetc%2fpasswd", "A" * 64, "0" * 63 + "%00"]
)
def test_unknown_array_is_not_found(client, key):
    answer = client.get(f"/latent/arrays/{key}")
    assert answer.status_code == 404
    assert answer.headers.get("cache-control") in ("no-store", None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://latent.test"}, 200),
        ({"Origin": "http://latent.test", "Host": "latent.test:80"}, 200),
        ({"Origin": "https://latent.test", "Host": "latent.test:80"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://hub.test", "Host": "node7:1"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://latent.test"}, 403),
        ({"Origin": "http://elsewhere.test"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_sites_are_refused(client, headers, status):
    for url in (array_store().put(np.zeros(2, np.float32)).url, main_module()):
        assert client.get(url, headers=headers).status_code == status


def test_only_get(client):
    assert (
        client.get(array_store().put(np.zeros(2, np.float32)).url, method="POST").status_code == 405
    )


def main_module(component: str = "linked_panels") -> str:
    return modules.folder_url(component) + "main.js"


@pytest.mark.parametrize("component", ["linked_panels", "detector_board"])
def test_modules_are_served_from_an_allow_list(client, component):
    answer = client.get(main_module(component))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert " as Shown }" in answer.text
    folder = f"/latent/panels/{modules.version()}"
    for name in (f"{component}/loader", f"{component}/board", "browser/arrays"):
        assert client.get(f"{folder}/{name}.js").status_code == 200
    for path in (
        f"{folder}/{component}/component.py",
        f"{folder}/{component}/component.js",
        f"{folder}/{component}/..%2fmain.js",
        f"{folder}/{component}/../../routes.js",
        f"{folder}/main.js",
        f"/latent/panels/0123456789abcdef/{component}/main.js",
    ):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(("component", "at_least"), [("linked_panels", 40), ("detector_board", 8)])
def test_every_imported_module_is_served_and_loaded_ahead(client, component, at_least):
    seen, queue = set(), [f"{component}/main", f"{component}/loader"]
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = client.get(f"/latent/panels/{modules.version()}/{name}.js")
        assert answer.status_code == 200, name
        folder = PurePosixPath(name).parent
        imported = re.findall(r'from "(\.[^"]+)\.js"', answer.text)
        queue += [posixpath.normpath(folder / path) for path in imported]
    assert len(seen) >= at_least
    ahead = [path.split(modules.version() + "/")[1] for path in modules.paths(component)]
    assert seen <= {path.removesuffix(".js") for path in ahead}


def test_base_path_is_respected(client, base_url):
    handle = array_store().put(np.zeros(3, np.float32))
    assert main_module().startswith(f"{base_url}/latent/panels/")
    assert client.get(base_url + handle.url).status_code == 200
    assert client.get(main_module()).status_code == 200
    assert client.get("/other" + handle.url).status_code == 404


def test_pattern_is_a_gray_png_with_its_own_range(client):
    pattern = np.array([[10, 20], [30, np.nan]], np.float32)
    url = array_store().put_patterns("test/patterns", lambda row: pattern[row:])
    answer = client.get(f"{url}/0.png")
    assert answer.headers["content-type"] == "image/png"
    assert np.asarray(Image.open(io.BytesIO(answer.content))).tolist() == [[0, 128], [255, 0]]


def test_missing_patterns_are_not_found(client):
    def provider(row):
        raise IndexError

    url = array_store().put_patterns("test/none", provider)
    assert client.get(f"{url}/3.png").status_code == 404
    assert client.get(f"/latent/patterns/{'0' * 64}/3.png").status_code == 404
    assert client.get(f"{url}/-1.png").status_code == 404
    assert client.get(f"{url}/x.png").status_code == 404


def test_constant_patterns_and_channels_become_pictures():
    flat = np.asarray(Image.open(io.BytesIO(pattern_png(np.full((3, 4), 7)))))
    assert flat.shape == (3, 4)
    assert (flat == 0).all()
    assert Image.open(io.BytesIO(pattern_png(np.ones((1, 3, 4))))).size == (4, 3)
    with pytest.raises(ValueError, match="H, W"):
        pattern_png(np.zeros(4))
