"""A tab that shows a page: reads it, waits for what becomes of it, uses it as a visitor does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.snippet.engines.protocol import Stage, Tab

PATIENCE_MS = 20_000
"""How long anything may take: machines under test are busy."""

_IN_TIME = f"""argument => Promise.race([
  (SCRIPT)(argument),
  new Promise((_, fail) => setTimeout(() => fail(new Error('no answer')), {PATIENCE_MS})),
])"""
_SETTLED = """() => new Promise(done => {
  const frame = () => requestAnimationFrame(() => requestAnimationFrame(idle));
  const idle = () => window.requestIdleCallback
    ? requestIdleCallback(later, {timeout: 200})
    : setTimeout(later, 50);
  const later = () => setTimeout(done, 40);
  document.hidden ? setTimeout(done, 100) : frame();
})"""


class View:
    """A tab that shows a page of the site.

    ``console``: what was written to the browser's console.
    """

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.console: list[str] = []
        tab.on("console", lambda message: self.console.append(message.text))

    @property
    def url(self) -> str:
        """The page's address."""
        return self.tab.url

    def text(self, selector: str = "main") -> str:
        """What stands there, markup apart."""
        return str(self.tab.eval_on_selector(selector, "e => e.textContent")).strip()

    def html(self, selector: str = "main") -> str:
        """The markup there."""
        return str(self.tab.eval_on_selector(selector, "e => e.innerHTML")).strip()

    def shows(self, expected: str, selector: str = "main") -> View:
        """Wait until ``expected`` is all the text that stands there."""
        return self.becomes(
            expected, "s => document.querySelector(s)?.textContent.trim()", selector
        )

    def becomes(self, expected: Any, script: str, argument: Any = None) -> View:
        """Wait until ``script`` (a function of ``argument``) returns ``expected``."""
        test = f"([a, e]) => JSON.stringify(({script})(a)) == e"
        wanted = json.dumps(expected, separators=(",", ":"), ensure_ascii=False)
        try:
            self.tab.wait_for_function(test, arg=[argument, wanted], timeout=PATIENCE_MS)
        except PlaywrightTimeout:
            now = self.tab.evaluate(script, argument)
            if now != expected:
                raise AssertionError(f"it is {now!r}, not {expected!r}") from None
        return self

    def settles(self) -> View:
        """Wait until the page has drawn and idles: what it was going to do at once, it has done."""
        self.tab.evaluate(_SETTLED)
        return self

    def keeps(self, expected: str, selector: str = "main") -> View:
        """After the page settled, ``expected`` is all the text that stands there."""
        now = self.settles().text(selector)
        if now != expected:
            raise AssertionError(f"it is {now!r}, not {expected!r}")
        return self

    def run(self, script: str, argument: Any = None) -> Any:
        """What a function returns that is called in the page; an error if it takes too long."""
        return self.tab.evaluate(_IN_TIME.replace("SCRIPT", script), argument)

    def execute(self, script: str) -> View:
        """Call a function in the page whose result doesn't matter, even if its clock is stopped."""
        self.tab.evaluate(script)
        return self

    def change(self, statements: str) -> View:
        """Run a script of the page's own, with its ``<main>`` as ``main``."""
        self.run(f"() => {{ const main = document.querySelector('main'); {statements} }}")
        return self

    def logs(self, text: str) -> View:
        """Wait until something with ``text`` in it is written to the console."""
        return self._until(lambda: any(text in line for line in self.console), f"{text} logged")

    def goes_to(self, url: str, *, until: Stage = "load", referrer: str | None = None) -> View:
        """Open another page in the same tab."""
        self.tab.goto(url, wait_until=until, referer=referrer)
        return self

    def reload(self) -> View:
        """Load the page again."""
        self.tab.reload()
        return self

    def go_back(self) -> View:
        """Go back and wait until the page has loaded."""
        self.tab.go_back()
        return self

    def leave_by_history(self) -> View:
        """Go back as a script of the page does, without waiting for the page before."""
        self.tab.evaluate("() => history.back()")
        return self

    def click(self, selector: str) -> View:
        """Click on an element."""
        self.tab.click(selector)
        return self

    def type(self, text: str) -> View:
        """Type where the focus is, key by key."""
        self.tab.keyboard.type(text)
        return self

    def inject(self, url: str) -> View:
        """Add a script to the page, as tag managers do."""
        self.tab.add_script_tag(url=url)
        return self

    def frame_text(self, selector: str) -> str | None:
        """What stands in the page's first frame, whatever its origin."""
        return self.tab.frames[1].text_content(selector)

    def frame_shows(self, expected: str, selector: str) -> View:
        """Wait until ``expected`` is all the text that stands there in the first frame."""
        return self._until(
            lambda: self.frame_text(selector) == expected, f"{expected} in the frame"
        )

    def stop_clock(self) -> View:
        """Let time pass in the page, from its next load on, only by ``pass_time``."""
        self.tab.clock.install()
        return self

    def pass_time(self, milliseconds: int) -> View:
        """Let that much time pass in a page whose clock was stopped."""
        self.tab.clock.run_for(milliseconds)
        return self

    def shows_without_clock(self, expected: str, selector: str) -> View:
        """``shows`` for a page whose clock was stopped, and with it the waiting in the page."""
        return self._until(lambda: self.text(selector) == expected, expected)

    def picture(self, path: Path, *, width: int, height: int) -> View:
        """Write a picture of the whole page, as wide as a window of that size shows it."""
        self.tab.set_viewport_size({"width": width, "height": height})
        self.tab.screenshot(path=path, full_page=True)
        return self

    def close(self) -> None:
        """Close the tab."""
        self.tab.close()

    def _until(self, condition: Callable[[], bool], what: str) -> View:
        limit = time.monotonic() + PATIENCE_MS / 1000
        while not condition():
            assert time.monotonic() < limit, f"not in time: {what}"
            self.tab.wait_for_timeout(10)  # events of the browser come in while it waits
        return self
