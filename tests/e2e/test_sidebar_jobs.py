"""Jobs in the sidebar of a page that has nothing to do with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentcore.encoders.gpu_lease import WAITING
from latentcore.jobs import JobRunner
from tests.browser_support import streamlit_server
from tests.jobs.child import toy_verbs
from tests.jobs.child.toy_verbs import ToyRequest

pytestmark = pytest.mark.browser

PATIENCE = 120_000
# Timers of the page by number; those of the list come every two seconds.
TIMERS = """window.polls = new Set();
const begin = window.setInterval, end = window.clearInterval;
window.setInterval = (call, every, ...rest) => {
  const number = begin(call, every, ...rest);
  if (every === 2000) window.polls.add(number);
  return number;
};
window.clearInterval = (number) => { window.polls.delete(number); end(number); };"""


def test_a_job_is_followed_and_cancelled_and_then_nothing_asks_any_more(page, tmp_path) -> None:
    request = ToyRequest("a", steps=4, gate=str(tmp_path / "gate"))
    app, env = Path(__file__).with_name("page_beside_jobs.py"), {"LATENT_WORKSPACE": str(tmp_path)}
    toy_verbs.register()
    try:
        with streamlit_server(app, env=env) as url, JobRunner(tmp_path / "jobs") as runner:
            job = runner.submit("toy-thread", request, title="A *slow* job").id
            page.add_init_script(TIMERS)
            page.goto(url)
            listed = page.get_by_test_id("stSidebar").locator(f".st-key-sidebar_job_{job}")
            listed.get_by_text("A *slow* job").wait_for(timeout=PATIENCE)
            listed.get_by_text(f"{WAITING}: 3 of 4").wait_for(timeout=PATIENCE)
            assert page.evaluate("window.polls.size") == 1
            listed.get_by_role("button").click()
            listed.wait_for(state="detached", timeout=PATIENCE)
            assert runner.wait(job).state == "cancelled"
            page.wait_for_function("window.polls.size === 0", timeout=PATIENCE)
            page.get_by_text("run 1", exact=True).wait_for(timeout=PATIENCE)
    finally:
        toy_verbs.unregister()
