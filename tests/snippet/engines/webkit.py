"""WebKit: Debian's WebKitGTK on a virtual screen, driven through ``webkit_host.py``.

WebDriver isn't used, since it has no scripts that run ahead of a page's own, no page errors and one
browser for each session: the host embeds the engine as an application does, which is quicker, too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error

from tests.snippet.engines.protocol import Stage
from tests.snippet.engines.webkit_connection import PATIENCE_MS, Connection, until

NAME = "webkit"
TITLE = "WebKit"
_HERE = Path(__file__).parent
_PYTHON = "/usr/bin/python3"
"""Debian's: the GTK bindings belong to it."""
_FAKE_CLOCK = (_HERE / "fake_clock.js").read_text(encoding="utf-8")
_BOX = """element => {
  element.scrollIntoView({block: 'center', inline: 'center'});
  const {x, y, width, height} = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""
_ADD_SCRIPT = """url => new Promise((done, fail) => {
  const script = document.createElement('script');
  script.onload = () => done(null);
  script.onerror = () => fail(new Error('not loaded: ' + url));
  script.src = url;
  document.head.append(script);
})"""


def missing() -> str | None:
    """What isn't installed."""
    packages = "Debian's gir1.2-webkit2-4.1, python3-gi, python3-gi-cairo and xvfb"
    bindings = "import gi, cairo; gi.require_version('WebKit2', '4.1')"
    found = shutil.which("Xvfb") and Path(_PYTHON).exists()
    if found and subprocess.run([_PYTHON, "-c", bindings], capture_output=True).returncode == 0:
        return None
    return f"WebKit isn't installed ({packages})"


def _screen() -> tuple[subprocess.Popen[bytes], str]:
    """A virtual screen, which ends with the last program on it; the name of its display."""
    read, write = os.pipe()
    options = ["-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-terminate"]
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *options], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        display = pipe.readline().strip()
    return screen, f":{display}"


@dataclass(frozen=True)
class Message:
    """Something written to a page's console."""

    text: str


class Keyboard:
    """Keys of a tab."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    def type(self, text: str) -> None:
        """Press the keys of a text, where the focus is."""
        self._tab.do("type", text=text)


class Clock:
    """``fake_clock.js`` in a tab's pages."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    def install(self) -> None:
        """Take over the timers of this page and the next ones."""
        self._tab.add_init_script(f"({_FAKE_CLOCK})()")
        self._tab.evaluate(_FAKE_CLOCK)

    def run_for(self, ticks: int) -> None:
        """Go on by ``ticks`` milliseconds."""
        self._tab.evaluate("ticks => document[Symbol.for('fake clock')](ticks)", ticks)


class Frame:
    """One of a tab's frames, read through copies of its document."""

    def __init__(self, tab: Tab, place: int) -> None:
        self._tab = tab
        self._place = place

    def text_content(self, selector: str) -> str | None:
        """The text of the first element that matches, once there is one."""
        script = "s => { const e = document.querySelector(s); return e && [e.textContent] }"
        (text,) = self.wait_for_function(script, arg=selector)
        return str(text)

    def wait_for_function(self, expression: str, *, arg: Any = None) -> Any:
        """Wait until a function gives something true."""
        return until(lambda: self._read(expression, arg), self._tab.timeout_ms)

    def _read(self, expression: str, arg: Any) -> Any:
        documents = self._tab.do("documents")
        if len(documents) <= self._place:
            return None
        script = f"""([html, arg]) => {{
          const document = new DOMParser().parseFromString(html, 'text/html');
          return ({expression})(arg);
        }}"""
        return self._tab.evaluate(script, [documents[self._place], arg])


class Tab:
    """A window of the host."""

    def __init__(
        self, host: Connection, user_agent: str, context: int, *, restores_pages: bool
    ) -> None:
        self.timeout_ms: float = PATIENCE_MS
        self._host = host
        self._id = host.new_id()
        self._listeners: list[tuple[str, Callable[[Any], object]]] = []
        self._crash = ""
        host.listeners[self._id] = self._on_event
        self.do("new_tab", context=context, user_agent=user_agent, restores_pages=restores_pages)

    def do(self, what: str, **details: Any) -> Any:
        """Have a command carried out in this tab."""
        if self._crash:
            raise Error(f"the page's process has ended: {self._crash}")
        details.setdefault("timeout_ms", self.timeout_ms)
        return self._host.do(what, tab=self._id, **details)

    @property
    def url(self) -> str:
        """The address of the page."""
        return str(self.do("url"))

    @property
    def frames(self) -> Sequence[Tab | Frame]:
        """The page, and the frames in it."""
        return [
            self,
            *(Frame(self, place) for place in range(1, 1 + self.evaluate("() => length"))),
        ]

    @property
    def clock(self) -> Clock:
        """The clock of this tab's pages."""
        return Clock(self)

    @property
    def keyboard(self) -> Keyboard:
        """The keys of this tab."""
        return Keyboard(self)

    def on(self, event: str, f: Callable[[Any], object]) -> None:
        """Be called with each ``pageerror`` (an ``Error``) or ``console`` (a ``Message``)."""
        if event == "console" and not any(wanted == event for wanted, _ in self._listeners):
            self.do("watch_console")
        self._listeners.append((event, f))

    def add_init_script(self, script: str) -> None:
        """Run this ahead of each later page's own scripts."""
        self.do("add_init_script", source=script)

    def goto(self, url: str, *, wait_until: Stage = "load", referer: str | None = None) -> None:
        """Open a page."""
        self.do("goto", url=url, referrer=referer or "", stage=wait_until)

    def reload(self) -> None:
        """Load the page anew."""
        self.do("reload")

    def go_back(self) -> None:
        """Back to the page before."""
        self.do("go_back")

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """What a function gives, its promise kept."""
        return self._run(expression, arg)

    def eval_on_selector(self, selector: str, expression: str) -> Any:
        """What a function of the first element that matches gives."""
        script = f"""selector => {{
          const element = document.querySelector(selector);
          if (!element) throw new Error('no element: ' + selector);
          return ({expression})(element);
        }}"""
        return self._run(script, selector)

    def wait_for_function(
        self, expression: str, *, arg: Any = None, timeout: float | None = None
    ) -> Any:
        """Wait until a function gives something true, on whichever page is there by then."""
        truth = f"async arg => !!await ({expression})(arg)"  # an element can't leave the page
        return until(lambda: self._run(truth, arg), timeout or self.timeout_ms)

    def text_content(self, selector: str) -> str | None:
        """The text of the first element that matches, once there is one."""
        self.wait_for_selector(selector)
        text = self.eval_on_selector(selector, "e => e.textContent")
        return None if text is None else str(text)

    def wait_for_selector(self, selector: str, *, timeout: float | None = None) -> None:
        """Wait until an element matches."""
        there = "selector => !!document.querySelector(selector)"
        self.wait_for_function(there, arg=selector, timeout=timeout)

    def wait_for_timeout(self, timeout: float) -> None:
        """Let events come in for as many milliseconds."""
        self._host.listen(timeout / 1000)

    def inner_text(self, selector: str) -> str:
        """The text of the first element that matches as it is drawn, once there is one."""
        self.wait_for_selector(selector)
        return str(self.eval_on_selector(selector, "e => e.innerText"))

    def click(self, selector: str) -> None:
        """Click the middle of the first element that matches."""
        self.wait_for_selector(selector)
        x, y = self.eval_on_selector(selector, _BOX)
        self.do("press", x=x, y=y)

    def add_script_tag(self, *, url: str) -> None:
        """Add a script to the page's head and wait until it has run."""
        self.evaluate(_ADD_SCRIPT, url)

    @contextmanager
    def expect_console_message(self, predicate: Callable[[Any], bool]) -> Iterator[None]:
        """At the end of the block wait for such a message."""
        found: list[Message] = []
        self.on("console", lambda message: found.append(message) if predicate(message) else None)
        yield

        def heard() -> list[Message]:
            self.wait_for_timeout(20)
            return found

        until(heard, self.timeout_ms)

    def set_viewport_size(self, viewport_size: dict[str, int]) -> None:
        """Give the page ``width`` and ``height`` pixels."""
        self.do("resize", **viewport_size)

    def screenshot(self, *, path: Path, full_page: bool) -> None:
        """Write the whole document as a PNG."""
        self.do("screenshot", path=str(path))

    def close(self) -> None:
        """End the tab."""
        self.do("close")

    def _run(self, function: str, arg: Any) -> Any:
        return self.do("evaluate", body=f"return await ({function})({json.dumps(arg)})")

    def _on_event(self, event: str, text: str) -> None:
        if event == "crash":
            self._crash = text
        for wanted, listener in self._listeners:
            if wanted == event:
                listener(Message(text) if event == "console" else Error(text))


class Context:
    """A profile of the host."""

    def __init__(
        self, host: Connection, proxy: str, user_agent: str, *, restores_pages: bool
    ) -> None:
        self._host = host
        self._id = host.new_id()
        self._user_agent = user_agent
        self._restores_pages = restores_pages
        self._timeout_ms: float = PATIENCE_MS
        host.do("new_context", context=self._id, proxy=proxy)

    def new_page(self) -> Tab:
        """A new tab."""
        tab = Tab(self._host, self._user_agent, self._id, restores_pages=self._restores_pages)
        tab.timeout_ms = self._timeout_ms
        return tab

    def add_cookies(self, cookies: Sequence[dict[str, str]]) -> None:
        """Keep session cookies."""
        for cookie in cookies:
            kept = {
                "name": cookie["name"],
                "value": cookie["value"],
                "domain": urlsplit(cookie["url"]).hostname,
            }
            self._host.do("add_cookie", context=self._id, cookie=kept)

    def cookies(self) -> list[dict[str, Any]]:
        """All cookies."""
        found: list[dict[str, Any]] = self._host.do("cookies", context=self._id)
        return found

    def set_default_timeout(self, timeout: float) -> None:
        """How many milliseconds anything may take in the tabs that come."""
        self._timeout_ms = timeout

    def close(self) -> None:
        """End the profile with its tabs."""
        self._host.do("close_context", context=self._id)


class Browser:
    """A host process and its screen."""

    def __init__(
        self,
        host: Connection,
        screen: subprocess.Popen[bytes],
        proxy: str,
        *,
        restores_pages: bool,
    ) -> None:
        self._host = host
        self._screen = screen
        self._proxy = proxy
        self._restores_pages = restores_pages

    @property
    def version(self) -> str:
        """WebKitGTK's."""
        return str(self._host.do("version"))

    def new_context(
        self, *, user_agent: str = "", is_mobile: bool = False, has_touch: bool = False
    ) -> Context:
        """A new profile; what a phone's screen is like isn't emulated."""
        return Context(self._host, self._proxy, user_agent, restores_pages=self._restores_pages)

    def close(self) -> None:
        """End the host, and the screen with it."""
        self._host.close()
        self._screen.wait(10)


class Launcher:
    """Starts hosts."""

    def __init__(self, home: Path, proxy: str) -> None:
        self._home = home
        self._proxy = proxy

    def launch(self, *, restores_pages: bool = False) -> Browser:
        """Start a host on a screen of its own."""
        screen, display = _screen()
        host = subprocess.Popen(
            [_PYTHON, "-u", str(_HERE / "webkit_host.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                "DISPLAY": display,
                "GDK_BACKEND": "x11",
                "GSETTINGS_BACKEND": "memory",
                "HOME": str(self._home),
                "LANG": "C.UTF-8",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "NO_AT_BRIDGE": "1",
                "PATH": os.environ["PATH"],
                "XDG_RUNTIME_DIR": str(self._home),
            },
        )
        return Browser(Connection(host), screen, self._proxy, restores_pages=restores_pages)


@contextmanager
def launcher(proxy: str) -> Iterator[Launcher]:
    """A launcher of browsers that send every request to ``proxy``."""
    with tempfile.TemporaryDirectory(prefix="webkit", ignore_cleanup_errors=True) as home:
        yield Launcher(Path(home), proxy)
