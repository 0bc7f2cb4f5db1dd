"""The panels in a real Chromium, with real mouse events; numpy has the last word."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentcore.analysis.selection import select
from pages.panels.linked_panels import PanelsState
from tests.browser_support import skip_or_fail, streamlit_server
from tests.linked_panels.apps.scene import LABELS, STEP, inside_roi, make_points

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("apps") / "main.py"
ROWS, COLUMNS = 45, 80
AXES = {
    LABELS: ("labels", "labels"),
    "embedding": ("u0", "u1"),
    "map": ("x", "y"),
    "clusters": ("x", "y"),
    "joint": ("latent", "bandcontrast"),
}
PANELS = tuple(AXES)[1:]


@pytest.fixture(scope="module")
def server():
    with streamlit_server(APP) as url:
        yield url


@pytest.fixture(scope="module")
def points():
    return make_points(ROWS, COLUMNS)


# Looks, 50 ms apart: for what takes a tenth of a second where nothing else runs.
PATIENCE = 600


@pytest.fixture
def panels(page, server):
    return Panels(page, server)


class Panels:
    """The linked panels on a page, with a mouse."""

    probe = "[...window.__latentPanels][0]"

    def __init__(self, page, url):
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.wait()

    def wait(self):
        self.page.wait_for_function(
            f"window.__latentPanels?.size && {self.probe}.firstDrawing > 0", timeout=30_000
        )

    def until(self, expression):
        """Wait until something is true of the panels."""
        self.page.wait_for_function(f"{self.probe}.{expression}", timeout=30_000)

    def wheel(self, panel, *deltas):
        """Turn the wheel where the mouse is, and wait until the panel shows another range."""
        before = self.get(f"view({panel!r}).x0")
        self.page.keyboard.down("Control")
        for delta in deltas:
            self.page.mouse.wheel(0, delta)
        self.page.keyboard.up("Control")
        self.page.wait_for_function(
            f"x0 => {self.probe}.view({panel!r}).x0 !== x0", arg=before, timeout=30_000
        )

    def get(self, expression):
        return self.page.evaluate(f"{self.probe}.{expression}")

    def key(self, name):
        self.page.keyboard.press(name)

    def button(self, label):
        self.page.get_by_role("button", name=label).first.click()

    def places(self, panel, fractions):
        self.page.evaluate(
            f"id => {self.probe}.panels.get(id).element.scrollIntoView({{block: 'center'}})",
            panel,
        )
        self.page.wait_for_timeout(80)
        plot = self.get(f"plot({panel!r})")
        return [
            (plot["left"] + fx * plot["width"], plot["top"] + fy * plot["height"])
            for fx, fy in fractions
        ]

    def drag(self, panel, fractions, modifiers=(), button="left"):
        places = self.places(panel, fractions)
        mouse, keyboard = self.page.mouse, self.page.keyboard
        mouse.move(*places[0])
        for key in modifiers:
            keyboard.down(key)
        mouse.down(button=button)
        for x, y in places[1:]:
            mouse.move(x, y, steps=4 if len(places) < 10 else 1)
        mouse.up(button=button)
        for key in modifiers:
            keyboard.up(key)
        self.page.wait_for_timeout(60)

    def box(self, panel, x0=0.15, y0=0.2, x1=0.6, y1=0.7, **how):
        self.button("Box")
        self.drag(panel, [(x0, y0), (x1, y1)], **how)

    def lasso(self, panel, **how):
        self.button("Lasso")
        turns = [2 * math.pi * k / 70 for k in range(70)]
        radii = [0.3 + 0.09 * math.sin(5 * t) for t in turns]
        pairs = zip(radii, turns, strict=True)
        self.drag(panel, [(0.5 + r * math.cos(t), 0.5 + r * math.sin(t)) for r, t in pairs], **how)

    def answer(self):
        """What the page computed, as soon as it has seen all that the browser did."""
        revision = self.get("state.revision")
        code = self.page.locator("[data-testid=stCode] code")
        for _ in range(PATIENCE):
            found = json.loads(code.inner_text())
            if found["revision"] == revision:
                return found
            self.page.wait_for_timeout(50)
        pytest.fail(f"the page never saw revision {revision}, last {found}")

    def check(self, points, slot="A"):
        """Compare the browser's mask with numpy's, point by point; return the count."""
        state = PanelsState.from_json(self.get("state"))
        axes = {name: (points[x], points[y]) for name, (x, y) in AXES.items()}
        within = inside_roi(points, state.roi)
        expected = np.flatnonzero(
            select(state.selections[slot], axes, points["x"].size, within)
        ).tolist()
        assert self.get(f"ids({slot!r})") == expected
        assert self.get(f"digest({slot!r})") == digest(expected)
        reported = {"count": len(expected), "sum": sum(expected)}
        for _ in range(PATIENCE):
            # A ROI that the page has set comes back without a revision of its own.
            if (found := self.answer()[slot]) == reported:
                break
            self.page.wait_for_timeout(50)
        assert found == reported
        assert not self.errors
        return len(expected)


def digest(ids):
    value = 0x811C9DC5
    for byte in np.asarray(ids, "<u4").tobytes():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


@pytest.mark.parametrize("panel", PANELS)
def test_box_and_lasso_select_what_numpy_selects(panels, points, panel):
    panels.box(panel)
    assert 50 < panels.check(points) < 3000
    panels.lasso(panel)
    assert 50 < panels.check(points) < 3000
    shape = panels.get("state.selections.A[0]")
    assert shape["panel"] == panel
    assert shape["kind"] == "lasso"
    assert 10 < len(shape["points"]) <= 50
    assert max(panels.get("sent")) < 2048


def test_modifier_keys_combine_strokes(panels, points):
    panels.box("map", 0.1, 0.1, 0.5, 0.5)
    first = panels.check(points)
    panels.box("embedding", 0.5, 0.1, 0.95, 0.5, modifiers=["Shift"])
    more = panels.check(points)
    assert more > first
    panels.lasso("joint", modifiers=["Alt"])
    fewer = panels.check(points)
    assert fewer < more
    panels.box("clusters", 0.0, 0.0, 0.3, 0.9, modifiers=["Shift", "Alt"])
    assert 0 < panels.check(points) < fewer
    modes = [shape["mode"] for shape in panels.get("state.selections.A")]
    assert modes == ["replace", "add", "subtract", "intersect"]


def test_undo_redo_and_clear(panels, points):
    panels.box("map")
    first = panels.check(points)
    panels.box("embedding", modifiers=["Shift"])
    second = panels.check(points)
    panels.key("Control+z")
    assert panels.check(points) == first
    panels.key("Control+z")
    assert panels.check(points) == 0
    panels.key("Control+Shift+Z")
    panels.key("Control+Shift+Z")
    assert panels.check(points) == second
    panels.key("Delete")
    assert panels.check(points) == 0
    panels.button("Undo")
    assert panels.check(points) == second


def test_two_slots_are_independent(panels, points):
    panels.box("map", 0.1, 0.1, 0.4, 0.6)
    a = panels.check(points)
    panels.key("2")
    panels.box("joint", 0.4, 0.2, 0.9, 0.8)
    b = panels.check(points, "B")
    assert panels.check(points, "A") == a
    assert b > 0
    text = panels.page.get_by_role("button", name="Selection B").inner_text()
    assert f"{b:,} of 3,600" in " ".join(text.split())


def test_roi_is_drawn_moved_and_resized_on_cells(panels, points):
    panels.button("Region of interest")
    panels.drag("map", [(0.2, 0.2), (0.6, 0.7)])
    roi = panels.get("state.roi")
    assert roi == pytest.approx([1.6, 4.8, 0.9, 3.2], abs=0.11)
    steps = np.array(roi) / STEP
    assert steps == pytest.approx(np.round(steps), abs=1e-9)
    panels.drag("clusters", [(0.4, 0.45), (0.5, 0.45)])
    moved = panels.get("state.roi")
    assert moved[0] - roi[0] == pytest.approx(0.8, abs=0.11)
    assert moved[2:] == roi[2:]
    assert moved[1] - moved[0] == pytest.approx(roi[1] - roi[0])
    edge = (moved[1] - STEP / 2) / (COLUMNS * STEP) + 0.5 / COLUMNS
    panels.drag("map", [(edge, 0.45), (0.95, 0.45)])
    wider = panels.get("state.roi")
    assert wider[0] == moved[0]
    assert wider[1] > moved[1] + 0.5
    panels.box("joint", 0.05, 0.05, 0.95, 0.95)
    count = panels.check(points)
    assert 0 < count <= inside_roi(points, tuple(wider)).sum()
    assert panels.answer()["roi"] == wider
    panels.button("Clear the region of interest")
    assert panels.check(points) > count


def test_roi_of_the_page_arrives_and_can_be_undone(panels, points):
    panels.box("embedding", 0.05, 0.05, 0.95, 0.95)
    whole = panels.check(points)
    panels.page.get_by_role("button", name="Set the ROI").click()
    panels.page.wait_for_function(f"{panels.probe}.state.roi !== null")
    assert panels.get("state.roi") == [1.0, 4.0, 0.5, 3.0]
    assert 0 < panels.check(points) < whole
    panels.button("Undo")
    assert panels.get("state.roi") is None
    assert panels.check(points) == whole


def test_points_out_of_view_are_never_selected(panels, points):
    panels.box("embedding")
    before = panels.get("ids('A')")
    panels.page.get_by_text("Keep every third point").click()
    panels.page.wait_for_function(f"{panels.probe}.selection.countWithin() < {points['x'].size}")
    kept = [point for point in before if point % 3 == 0]
    assert 0 < len(kept) < len(before)
    assert panels.get("ids('A')") == kept
    assert panels.answer()["A"] == {"count": len(kept), "sum": sum(kept)}
    panels.page.get_by_text("Keep every third point").click()
    panels.page.wait_for_function(f"{panels.probe}.selection.countWithin() === {points['x'].size}")
    assert panels.get("ids('A')") == before
    assert not panels.errors


def test_a_graticule_is_drawn_across_the_plot_and_points_are_selected_on_it(panels, points):
    inked = f"""() => {{
        const panel = {panels.probe}.panels.get("embedding");
        const {{ left, top, width, height }} = panel.projection.plot;
        const d = panel.dpr;
        const image = panel.axesContext.getImageData(
            (left + 3) * d, (top + 3) * d, (width - 6) * d, (height - 6) * d);
        return image.data.some((v, k) => k % 4 === 3 && v > 0);
    }}"""
    assert not panels.page.evaluate(inked)
    panels.page.get_by_text("Take the embedding for degrees").click()
    panels.page.wait_for_function(inked)
    panels.box("embedding")
    assert panels.check(points) > 0


def test_zoom_and_selection_are_kept_when_colors_change(panels, points):
    (place,) = panels.places("embedding", [(0.3, 0.4)])
    panels.page.mouse.move(*place)
    panels.wheel("embedding", -400)
    zoomed = panels.get("view('embedding')")
    panels.box("embedding")
    count = panels.check(points)
    panels.page.get_by_text("Color the embedding by latent").click()
    panels.page.get_by_text("UMAP is being computed").wait_for()
    assert panels.get("view('embedding')") == zoomed
    assert panels.check(points) == count
    panels.drag("embedding", [(0.5, 0.5), (0.6, 0.6)], button="middle")
    panned = panels.get("view('embedding')")
    assert panned["x0"] < zoomed["x0"]
    assert panned["x1"] - panned["x0"] == pytest.approx(zoomed["x1"] - zoomed["x0"])
    panels.key("0")
    assert panels.get("view('embedding')")["x0"] < zoomed["x0"] - 1


def test_maps_zoom_together_and_stay_within_the_scan(panels):
    (place,) = panels.places("map", [(0.5, 0.5)])
    whole = panels.get("view('map')")
    panels.page.mouse.move(*place)
    panels.wheel("map", -500)
    panels.until("settled")
    assert panels.get("view('map')") == panels.get("view('clusters')")
    assert panels.get("view('map')") != whole
    panels.wheel("map", 5000, *[240] * 5)
    panels.until(f"view('map').x1 - {whole['x1']} > -0.01")
    assert panels.get("view('map')") == pytest.approx(whole, abs=0.01)


def test_hover_says_and_click_pins(panels, points):
    i = int(np.flatnonzero((points["row"] == 20) & (points["col"] == 30))[0])
    (place,) = panels.places("map", [(30.5 / COLUMNS, 20.5 / ROWS)])
    panels.page.mouse.move(*place)
    tooltip = panels.page.get_by_role("tooltip")
    tooltip.wait_for()
    text = tooltip.inner_text()
    assert str(i) in text
    assert "3, 2 µm" in text
    panels.page.wait_for_function(
        f"{panels.probe}.explorer.tooltip.image.naturalWidth === 60", timeout=30_000
    )
    panels.page.mouse.down()
    panels.page.mouse.up()
    panels.until(f"state.pinned === {i}")
    assert panels.answer()["pinned"] == i
    panels.key("ArrowRight")
    panels.until(f"state.pinned !== {i}")
    right = panels.answer()["pinned"]
    assert (points["row"][right], points["col"][right]) == (20, 31)


def test_a_click_in_the_legend_selects_the_points_of_a_cluster(panels, points):
    labels = points["labels"]
    legend = panels.page.locator("[data-panel=embedding]")
    legend.locator(".lp-key", has_text="ferrite").click()
    panels.page.locator(".lp-key[aria-pressed=true]").nth(2).wait_for()
    assert panels.get("ids('A')") == np.flatnonzero(labels == 0).tolist()
    assert panels.check(points) == (labels == 0).sum()
    legend.locator(".lp-key", has_text="noise").click(modifiers=["Shift"])
    assert panels.check(points) == np.isin(labels, (0, -1)).sum()
    panels.page.locator("[data-panel=joint] .lp-key").first.click(modifiers=["Alt"])
    assert panels.check(points) == (labels == -1).sum()
    legend.locator(".lp-key", has_text="noise").click()
    legend.locator(".lp-key", has_text="noise").click()
    assert panels.check(points) == 0


def test_a_label_stands_out_while_the_pointer_rests_on_it(panels, points):
    panels.page.locator("[data-panel=embedding] .lp-key", has_text="ferrite").hover()
    bright = "selection.classes.filter((c) => c === 1).length"
    panels.until(f"{bright} === {(points['labels'] == 0).sum()}")
    panels.page.mouse.move(2, 2)
    panels.until(f"{bright} === 0")
    assert panels.check(points) == 0


def test_keys_are_listed_and_the_toolbar_is_one_stop(panels):
    toolbar = panels.page.get_by_role("toolbar")
    toolbar.get_by_role("button", name="Box").focus()
    panels.key("ArrowRight")
    panels.key("Enter")
    panels.page.locator("[aria-pressed=true][title='Lasso (l)']").wait_for()
    assert toolbar.locator("button[tabindex='0']").count() == 1
    panels.key("?")
    sheet = panels.page.get_by_role("dialog", name="Keys and mouse")
    sheet.get_by_text("Intersect", exact=True).wait_for()
    panels.key("Escape")
    sheet.wait_for(state="hidden")
    assert toolbar.locator("button:focus").get_attribute("title") == "Lasso (l)"


def test_png_of_a_panel_has_the_pixels_of_the_screen(panels):
    panels.box("map")
    with panels.page.expect_download() as saved:
        panel = panels.page.locator("[data-panel=map]")
        panel.get_by_role("button", name="Copy or save this panel").click()
        panel.get_by_role("button", name="1×").click()
    assert saved.value.suggested_filename.startswith("Latent-7_")
    with Image.open(saved.value.path()) as image:
        saved_pixels = np.asarray(image.convert("RGB"))
    shown = "[...window.__latentPanels][0].panels.get('map')"
    url = panels.page.evaluate(f"{shown}.data.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        screen = np.asarray(image.convert("RGB"))
    left, top = panels.page.evaluate(f"(({{left, top}}) => [left, top])({shown}.projection.plot)")
    # Below the title; in the middle neither the frame, scale bar nor the box's outline lies.
    part = np.s_[
        screen.shape[0] // 4 : screen.shape[0] // 2, screen.shape[1] // 4 : screen.shape[1] // 2
    ]
    found = saved_pixels[top + 26 :, left:][: screen.shape[0], : screen.shape[1]]
    assert np.array_equal(found[part], screen[part])
    assert len(np.unique(screen[part].reshape(-1, 3), axis=0)) > 5


def test_escape_gives_up_a_stroke(panels, points):
    panels.box("map")
    count = panels.check(points)
    places = panels.places("map", [(0.3, 0.3), (0.9, 0.9)])
    panels.page.mouse.move(*places[0])
    panels.page.mouse.down()
    panels.page.mouse.move(*places[1], steps=5)
    panels.until(f"count('A') > {count}")
    panels.key("Escape")
    panels.page.mouse.up()
    panels.until(f"count('A') === {count}")
    assert panels.check(points) == count


def test_keys_of_the_panels_do_not_reach_streamlit(panels):
    panels.box("map")
    runs = panels.answer()["runs"]
    for key in "rlpb":
        panels.key(key)
    panels.page.wait_for_timeout(600)
    assert panels.answer()["runs"] == runs


def test_an_older_answer_does_not_undo_a_newer_stroke(page, server, points):
    panels = Panels(page, f"{server}/?delay=0.6")
    panels.box("map", 0.1, 0.1, 0.4, 0.4)
    panels.box("map", 0.5, 0.5, 0.9, 0.9, modifiers=["Shift"])
    panels.page.wait_for_timeout(300)
    panels.box("embedding", 0.1, 0.1, 0.5, 0.6, modifiers=["Shift"])
    assert panels.get("state.revision") == 3
    panels.check(points)
    panels.page.wait_for_timeout(900)
    assert panels.get("state.revision") == 3
    assert len(panels.get("state.selections.A")) == 3
    panels.check(points)


def test_array_that_the_server_lost_is_put_again(page, server):
    lost = []

    def lose_once(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.fulfill(status=404, body="gone")

    page.route("**/latent/arrays/*", lose_once)
    Panels(page, server)
    assert lost


def test_nothing_is_left_when_the_panels_go(panels):
    panels.box("map")
    panels.page.get_by_text("Hide the panels").click()
    panels.page.wait_for_function("window.__latentPanels.size === 0", timeout=30_000)
    panels.page.get_by_text("Hide the panels").click()
    panels.wait()
    assert panels.page.evaluate("window.__latentPanels.size") == 1
    assert not panels.errors


def test_colors_are_those_of_the_documented_formula(panels, points):
    """The figures of the library use the same formula; a byte of difference is a bug."""
    rgba = np.array(
        panels.page.evaluate(f"Array.from({panels.probe}.panels.get('map').colors.rgba)"),
        np.uint32,
    )
    coloring = panels.get("panels.get('map').coloring")
    lut = np.frombuffer(base64.b64decode(coloring["lut"]), np.uint8).reshape(256, 3)
    low, high = coloring["limits"]
    values = points["latent"].astype(np.float64)
    finite = np.isfinite(values)
    index = np.clip(np.floor((values[finite] - low) / (high - low) * 256), 0, 255).astype(int)
    channels = np.stack([rgba & 255, rgba >> 8 & 255, rgba >> 16 & 255], 1)
    assert np.array_equal(channels[finite], lut[index])


def pixels_of_scatters(panels):
    panels.until("settled")
    found = panels.page.evaluate(
        f"""() => ['embedding', 'joint'].map((id) => {{
          const context = {panels.probe}.panels.get(id).dataContext;
          const {{ width, height }} = context.canvas;
          const {{ data }} = context.getImageData(0, 0, width, height);
          return new Uint8Array(data.buffer).toHex();
        }})"""
    )
    return [np.frombuffer(bytes.fromhex(text), np.uint8).astype(int) for text in found]


def test_a_graphics_card_draws_the_picture_of_the_canvas(panels):
    panels.box("map", 0.1, 0.1, 0.4, 0.6)
    panels.key("2")
    panels.box("joint", 0.3, 0.2, 0.9, 0.8)
    panels.page.get_by_role("button", name="Set the ROI").click()
    panels.until("state.roi !== null")
    panels.page.mouse.move(*panels.places("embedding", [(0.5, 0.5)])[0])
    panels.wheel("embedding", -200)
    drawn = pixels_of_scatters(panels)
    engine = "engineOf('embedding')"
    assert panels.get(engine) == "canvas", "a program that pretends to be a card is not chosen"
    panels.get("draw('webgl2')")
    by_card = pixels_of_scatters(panels)
    if panels.get(engine) == "canvas":
        skip_or_fail("this Chromium has no WebGL2, not even by a program")
    for card, canvas in zip(by_card, drawn, strict=True):
        assert canvas.std() > 1
        assert np.abs(card - canvas).max() <= 1
    # The card is taken away: the canvas goes on, and nothing is blank.
    panels.get("panels.get('joint').raster.gpu.gl.getExtension('WEBGL_lose_context').loseContext()")
    panels.until(f"{engine} === 'canvas'")
    for again, canvas in zip(pixels_of_scatters(panels), drawn, strict=True):
        assert np.array_equal(again, canvas)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_panels_take_the_colors_of_the_theme(browser, server, scheme, tmp_path):
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme=scheme)
    try:
        panels = Panels(context.new_page(), server)
        panels.box("embedding", 0.6, 0.1, 0.95, 0.5)
        panels.page.screenshot(path=tmp_path / f"{scheme}.png")
        from PIL import Image

        picture = np.asarray(Image.open(tmp_path / f"{scheme}.png").convert("L"), float)
        x, y = (round(v) for v in panels.places("embedding", [(0.5, 0.02)])[0])
        corner = picture[y - 2 : y + 3, x - 2 : x + 3].mean()
        assert corner > 230 if scheme == "light" else corner < 60
        assert panels.get("theme.dark") is (scheme == "dark")
    finally:
        context.close()


def test_one_panel_can_have_the_room_and_narrow_screens_stack(browser, server):
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": 560, "height": 900})
    try:
        panels = Panels(context.new_page(), server)
        tops = [panels.get(f"plot({name!r}).top") for name in PANELS]
        assert tops == sorted(set(tops))
        assert panels.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        panels.button("Enlarge Latent 7 and band contrast")
        shown = panels.page.locator(".lp-panel:visible")
        expect(shown).to_have_count(1)
        panels.key("Escape")
        expect(shown).to_have_count(4)
    finally:
        context.close()


def test_below_a_base_path(page, points):
    with streamlit_server(APP, options={"server.baseUrlPath": "team/latent"}) as url:
        panels = Panels(page, url)
        panels.box("joint")
        assert panels.check(points) > 0


def test_without_the_routes_the_page_says_what_is_wrong(page):
    with streamlit_server(APP.with_name("page.py")) as url:
        page.goto(url)
        page.get_by_text("This part of the page could not be loaded").wait_for(timeout=20_000)
