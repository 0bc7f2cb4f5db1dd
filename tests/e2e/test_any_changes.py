"""After any changes that a person makes, the panels look like those of a fresh page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.changes import Visitor
from tests.e2e.true_pixels import (
    assert_like_a_fresh_page,
    link,
    open_explore,
    settle,
    upload,
    write_scan,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CHANGES, COMPARED_EVERY = 12, 4


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("measured")
    return {
        "scan": write_scan(folder, "scan", 40, 30, 1),
        "again": write_scan(folder, "again", 40, 30, 2, dims=5),
    }


@pytest.fixture(scope="module")
def server(scans, tmp_path_factory: pytest.TempPathFactory):
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(scans["scan"][0].parent),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield url


@pytest.mark.parametrize("seed", [2])
def test_any_changes_leave_the_pixels_of_a_fresh_page(page, browser, server, scans, seed) -> None:
    page.goto(server + link(scans, "scan"))
    settle(page)
    upload(page, scans["again"])  # from now on the sidebar offers latents of both
    open_explore(page)
    visitor = Visitor(page, np.random.default_rng(seed))
    for number in range(1, CHANGES + 1):
        # A session that is loaded anew knows only the latents in view.
        visitor.change("open other latents" if number <= 2 else None)
        if number % COMPARED_EVERY == 0:
            visitor.rest()
            try:
                assert_like_a_fresh_page(page, browser)
            except AssertionError as error:
                error.add_note(f"after: {'; '.join(visitor.done)}")
                raise
