"""Random changes of the Explore page, each made the way a person makes it.

Every change ends up in the address: a change is over when the address has changed and the page
has come to rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from playwright.sync_api import TimeoutError as TooLate

from tests.e2e.true_pixels import PATIENCE, PROBE, settle


class Visitor:
    """Somebody at the page, who does what a generator of random numbers says.

    Attributes
    ----------
    done : list of str
        What was changed so far.
    """

    def __init__(self, page, random: np.random.Generator) -> None:
        self.page = page
        self.random = random
        self.doing = ""
        self.done: list[str] = []
        self._ways: dict[str, Callable[[], str | None]] = {
            "slide the ROI": self._slide,
            "draw a ROI": self._draw_roi,
            "clear the ROI": self._whole_scan,
            "brush a box": self._box,
            "draw a lasso": self._lasso,
            "click a point": self._pin,
            "undo": lambda: self._press("Control+z", "past"),
            "redo": lambda: self._press("Control+Shift+z", "future"),
            "switch the slot": self._slot,
            "choose a dimension": lambda: self._choose("Latent dimension"),
            "choose a color": lambda: self._choose("Color"),
            "choose a method": lambda: self._choose("Clusters by"),
            "open other latents": lambda: self._open("Latents"),
            "reload": self._reload,
        }

    def rest(self) -> None:
        """Take the tool and the place of the mouse that a fresh page has."""
        self._focus("map")
        self.page.keyboard.press("b")
        self.page.evaluate("document.activeElement.blur()")

    def change(self, wanted: str | None = None) -> str:
        """Change something, or what is wanted; tell what."""
        while True:
            name = wanted or str(self.random.choice(list(self._ways)))
            self.doing = name
            detail = self._ways[name]()
            if detail is not None:
                self.done.append(f"{name} {detail}".strip())
                return self.done[-1]

    def _after(self, address: str) -> None:
        """Wait until the address is no longer that, and nothing is on its way."""
        self.page.wait_for_function("(url) => location.href !== url", arg=address, timeout=PATIENCE)
        settle(self.page)

    def _ask(self, expression: str):
        return self.page.evaluate(expression.replace("{probe}", PROBE))

    def _slide(self) -> str | None:
        thumb = int(self.random.integers(4))
        slider = self.page.get_by_role("slider").nth(thumb)
        slider.focus()
        low, high = (float(slider.get_attribute(name)) for name in ("min", "max"))
        start = float(slider.input_value())
        steps = int(self.random.integers(1, 7))
        key, end = ("ArrowRight", start + steps) if thumb % 2 == 0 else ("ArrowLeft", start - steps)
        other = float(self.page.get_by_role("slider").nth(thumb ^ 1).input_value())
        if not low <= end <= high or (end - other) * (1 if thumb % 2 else -1) < 5:
            return None
        for _ in range(steps):
            slider.press(key)
        self.page.wait_for_function(f"{PROBE}.state.roi?.[{thumb}] === {end}", timeout=PATIENCE)
        settle(self.page)
        return f"{thumb} to {end:g}"

    def _whole_scan(self) -> str | None:
        if self._ask("{probe}.state.roi") is None:
            return None
        address = self.page.url
        self.page.get_by_role("button", name="Clear the region of interest").click()
        self._after(address)
        return ""

    def _places(self, panel: str, shares: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return places of the window by their shares of a panel's plot."""
        self._ask(f"{{probe}}.panels.get({panel!r}).element.scrollIntoView({{block: 'nearest'}})")
        plot = self._ask(f"{{probe}}.plot({panel!r})")
        return [
            (plot["left"] + x * plot["width"], plot["top"] + y * plot["height"]) for x, y in shares
        ]

    def _panel(self) -> str:
        return str(self.random.choice(self._ask("[...{probe}.panels.keys()]")))

    def _drag(self, panel: str, tool: str, shares: list[tuple[float, float]]) -> None:
        before = self._ask("{probe}.state")
        address = self.page.url
        self._focus(panel)
        self.page.keyboard.press(tool)
        places = self._places(panel, shares)
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()
        revision = before.pop("revision")
        self.page.wait_for_function(f"{PROBE}.state.revision > {revision}", timeout=PATIENCE)
        after = self._ask("{probe}.state")
        del after["revision"]
        if after == before:  # a ROI that is moved against the border of the scan
            settle(self.page)
        else:
            self._after(address)

    def _focus(self, panel: str) -> None:
        self._ask(f"{{probe}}.panels.get({panel!r}).overlay.focus({{preventScroll: true}})")

    def _corners(self) -> tuple[float, float, float, float]:
        x, y = self.random.uniform(0.05, 0.6, 2)
        width, height = self.random.uniform(0.15, 0.35, 2)
        return x, y, x + width, y + height

    def _draw_roi(self) -> str:
        x0, y0, x1, y1 = self._corners()
        self._drag("map", "r", [(x0, y0), (x1, y1)])
        return ""

    def _box(self) -> str:
        x0, y0, x1, y1 = self._corners()
        panel = self._panel()
        self._drag(panel, "b", [(x0, y0), (x1, y1)])
        return f"in {panel}"

    def _lasso(self) -> str:
        x0, y0, x1, y1 = self._corners()
        panel = self._panel()
        self._drag(panel, "l", [(x0, y0), (x1, y0), (x1, y1), (x0, (y0 + y1) / 2)])
        return f"in {panel}"

    def _pin(self) -> str:
        place = tuple(self.random.uniform(0.1, 0.9, 2))
        before, address = self._ask("{probe}.state.pinned"), self.page.url
        self._focus("map")
        self.page.keyboard.press("b")
        self.page.mouse.click(*self._places("map", [place])[0])
        self.page.wait_for_function(
            f"{PROBE}.state.pinned !== {before or 'null'}", timeout=PATIENCE
        )
        self._after(address)
        return ""

    def _press(self, keys: str, history: str) -> str | None:
        if not self._ask(f"{{probe}}.explorer.shared.history.{history}.length"):
            return None
        address = self.page.url
        self._focus("map")
        self.page.keyboard.press(keys)
        self._after(address)
        return ""

    def _slot(self) -> str:
        other = "B" if self._ask("{probe}.state.active") == "A" else "A"
        address = self.page.url
        self._focus("map")
        self.page.keyboard.press("1" if other == "A" else "2")
        self._after(address)
        return other

    def _choose(self, label: str) -> str | None:
        """Choose another entry of a select box."""
        box = self.page.get_by_role("combobox", name=re.compile(f"^{label}"))
        before, address = " ".join(box.input_value().split()), self.page.url
        box.scroll_into_view_if_needed()
        options = self.page.get_by_role("option")
        for _ in range(5):  # a run that ends meanwhile closes the list again
            box.click()
            try:
                options.first.wait_for(timeout=PATIENCE / 5)
                break
            except TooLate:
                continue
        texts = [" ".join(text.split()) for text in options.all_inner_texts()]
        others = [
            number
            for number, text in enumerate(texts)
            # It needs a pinned point, and a quarter of a minute of compiling.
            if text != before and not text.startswith(("similarity", "HDBSCAN", "none"))
        ]
        if not others:
            self.page.keyboard.press("Escape")
            return None
        wanted = int(self.random.choice(others))
        options.nth(wanted).click()
        self._after(address)
        return texts[wanted]

    def _open(self, part: str) -> str | None:
        """Open another file from the sidebar, which opens under the mouse."""
        self.page.get_by_test_id("stSidebar").hover()
        found = self._choose(part)
        self.page.evaluate("document.activeElement.blur()")
        self.page.mouse.move(700, 2)  # it closes
        return found

    def _reload(self) -> str:
        self.page.reload()
        settle(self.page)
        return ""
