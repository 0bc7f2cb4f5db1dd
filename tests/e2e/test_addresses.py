"""Pages opened by their own address, and what stays open on them, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import choose_files
from tests.factories.kikuchi import write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

PATIENCE = 240_000
PAGES = ("data", "train", "extract", "domains", "rank", "compare", "search", "batch", "runs")
PREFIX = "team/latent"
# Of a scan of our own: nobody has to wait for the demo scan to be made.
SCAN = "samples=folder:measured/scan.h5"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("roots") / "measured"
    (root / "sub" / "deeper").mkdir(parents=True)
    write_kikuchi(root / "scan.h5")
    write_kikuchi(root / "sub" / "other.h5")
    return root


@pytest.fixture(scope="module")
def servers(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One server below each prefix."""
    with ExitStack() as running:
        yield {
            prefix: running.enter_context(
                streamlit_server(
                    REPOSITORY / "app.py",
                    env={
                        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
                        "LATENT_DATA_ROOTS": str(root),
                    },
                    options={"server.baseUrlPath": prefix} if prefix else {},
                )
            )
            for prefix in ("", PREFIX)
        }


@pytest.fixture(params=["", PREFIX])
def server(request: pytest.FixtureRequest, servers: dict[str, str]) -> str:
    return servers[request.param]


@pytest.fixture
def traffic(page) -> list[tuple[int, str]]:
    """Status and path of each answer, and the path of each web socket as one of status 101."""
    seen: list[tuple[int, str]] = []
    page.on("response", lambda answer: seen.append((answer.status, urlsplit(answer.url).path)))
    page.on("requestfailed", lambda asked: seen.append((0, urlsplit(asked.url).path)))
    page.on("websocket", lambda socket: seen.append((101, urlsplit(socket.url).path)))
    return seen


def opened(page, title: str) -> None:
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("server", "name"),
    [("", "data"), *((PREFIX, name) for name in PAGES)],
    indirect=["server"],
)
def test_a_page_opened_by_its_address_asks_for_nothing_in_vain(page, server, traffic, name) -> None:
    page.goto(f"{server}/{name}?{SCAN}")
    opened(page, name.capitalize())
    assert [answer for answer in traffic if answer[0] == 0 or answer[0] >= 400] == []
    base = urlsplit(server).path
    assert (101, f"{base}/_stcore/stream") in traffic
    assert urlsplit(page.url).path == f"{base}/{name}"
    page.get_by_role("link", name="Runs").click()
    opened(page, "Runs")
    assert urlsplit(page.url).path == f"{base}/runs"


def test_a_file_is_uploaded_on_a_page_opened_by_its_address(
    page, server, traffic, tmp_path: Path
) -> None:
    page.goto(f"{server}/data?{SCAN}")
    opened(page, "Data")
    choose_files(page, [write_kikuchi(tmp_path / "mine.h5")])
    page.get_by_text("opened as patterns").wait_for(timeout=PATIENCE)
    page.locator("img").first.wait_for(timeout=PATIENCE)
    # Streamlit lets go of the pictures of a run that the next one overtook.
    failed = [one for one in traffic if one[0] == 0 or one[0] >= 400]
    assert [one for one in failed if "/media/" not in one[1]] == []


def test_explore_has_an_address_and_keeps_what_it_carries(page, server) -> None:
    page.goto(f"{server}/explore?{SCAN}&dim=2&embedding=pca")
    opened(page, "Explore")
    assert page.get_by_text("Page not found").count() == 0
    assert urlsplit(page.url).path in (f"{urlsplit(server).path}/", urlsplit(server).path)
    asked = dict(parse_qsl(urlsplit(page.url).query))
    assert asked["samples"] == "folder:measured/scan.h5"
    assert (asked["dim"], asked["embedding"]) == ("2", "pca")


def test_an_address_that_is_no_page_leads_to_explore_with_its_style(page, server) -> None:
    page.goto(f"{server}/nothing?{SCAN}")
    page.get_by_text("Page not found").wait_for(timeout=PATIENCE)
    assert page.locator("body > style").first.inner_html().count(".st-key-explore-body") > 1
    assert page.request.get(f"{server}/_stcore/health").text() == "ok"


def test_the_server_folder_stays_open_while_somebody_browses_it(page, server) -> None:
    page.goto(f"{server}/data?{SCAN}")
    opened(page, "Data")
    page.get_by_test_id("stExpander").get_by_text("Open files").click()
    page.get_by_role("tab", name="Server folder").click()
    page.get_by_role("button", name="sub", exact=True).click()
    page.get_by_role("button", name="deeper").wait_for(timeout=PATIENCE)
    page.get_by_role("combobox", name="Files to open together").click()
    page.get_by_role("option", name="other.h5").click()
    page.keyboard.press("Escape")
    page.get_by_test_id("stBaseButton-primary").filter(has_text="Open").click()
    page.get_by_text("opened as patterns").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="deeper").click()
    page.get_by_text("No files here.").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="measured", exact=True).click()
    # The way back to "sub" is called so, too, until the page has gone up.
    folder = page.get_by_test_id("stBaseButton-secondary").filter(has_text="sub")
    folder.wait_for(timeout=PATIENCE)
    assert page.get_by_text("opened as patterns").count() == 0
