"""What the suite asks of a browser, whichever engine it is.

Playwright's synchronous API, cut down to what the suite uses: its objects fit as they are. Errors
are Playwright's too (``Error``, ``TimeoutError``), so that a test catches the same ones everywhere.
Whatever runs in a page is the text of a JavaScript function of one argument; arguments and results
are what JSON can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

START_MS = 60_000
"""How long a browser may take to start on a busy machine."""

Stage = Literal["commit", "domcontentloaded", "load"]
"""How far a navigation has come: its answer is there, it is parsed, all it names is loaded."""


class Message(Protocol):
    """Something written to a page's console."""

    @property
    def text(self) -> str: ...


class Clock(Protocol):
    """A page's clock; it goes on by itself once installed."""

    def install(self) -> None:
        """Take over the timers of the tab's pages, from now on."""

    def run_for(self, ticks: int) -> None:
        """Go on by ``ticks`` milliseconds, running what falls due."""


class Keyboard(Protocol):
    def type(self, text: str) -> None:
        """Press the keys of a text, where the focus is."""


class Frame(Protocol):
    """A document in a tab: its own, or one in a frame."""

    def text_content(self, selector: str) -> str | None:
        """The text of the first element that matches, once there is one."""

    def wait_for_function(self, expression: str, *, arg: Any = None) -> object:
        """Wait until a function gives something true. It may read the document, no variables."""


class Tab(Protocol):
    """A tab and the page that it shows."""

    @property
    def url(self) -> str: ...

    @property
    def frames(self) -> Sequence[Frame]:
        """The page's own document first, then its frames in their order."""

    @property
    def clock(self) -> Clock: ...

    @property
    def keyboard(self) -> Keyboard: ...

    def on(self, event: Literal["pageerror", "console"], f: Callable[[Any], object]) -> None:
        """Call ``f`` with each uncaught error (``str``: its text) or console message (``text``)."""

    def add_init_script(self, script: str) -> object:
        """Run this ahead of each later page's own scripts, whatever the page's policy."""

    def goto(
        self, url: str, *, wait_until: Stage = "load", referer: str | None = None
    ) -> object: ...

    def reload(self) -> object: ...

    def go_back(self) -> object: ...

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """What a function gives, its promise kept; ``Error`` with what it threw."""

    def eval_on_selector(self, selector: str, expression: str) -> Any:
        """What a function of the first element that matches gives."""

    def wait_for_function(
        self, expression: str, *, arg: Any = None, timeout: float | None = None
    ) -> object:
        """Wait until a function gives something true; ``TimeoutError`` after as many ms."""

    def wait_for_selector(self, selector: str, *, timeout: float | None = None) -> object:
        """Wait until an element matches; ``TimeoutError`` after as many ms."""

    def wait_for_timeout(self, timeout: float) -> None:
        """Let events of the browser come in for as many milliseconds."""

    def inner_text(self, selector: str) -> str:
        """The text of the first element that matches, as it is drawn, once there is one."""

    def click(self, selector: str) -> None:
        """Click the middle of the first element that matches."""

    def add_script_tag(self, *, url: str) -> object:
        """Add a script to the page's head and wait until it has run."""

    def expect_console_message(
        self, predicate: Callable[[Any], bool]
    ) -> AbstractContextManager[object]:
        """At the end of the block wait for such a message, sent since its beginning."""

    def set_viewport_size(self, viewport_size: Any) -> None:
        """Give the page ``width`` and ``height`` pixels."""

    def screenshot(self, *, path: Path, full_page: bool) -> object: ...

    def close(self) -> None: ...


class Context(Protocol):
    """A browser profile, kept in memory."""

    def new_page(self) -> Tab: ...

    def add_cookies(self, cookies: Any) -> None:
        """Keep session cookies: ``name`` and ``value`` for the host of ``url``."""

    def cookies(self) -> Sequence[Any]:
        """All cookies: ``name``, ``value``, ``domain``, ``path``, ``expires`` (Unix s, or -1)."""

    def set_default_timeout(self, timeout: float) -> None:
        """How many milliseconds anything may take."""

    def close(self) -> None: ...


class Browser(Protocol):
    """A running browser."""

    @property
    def version(self) -> str: ...

    def new_context(self, **options: Any) -> Context:
        """A new profile. Options: ``user_agent``; ``is_mobile`` and ``has_touch`` where there are
        such, else without effect."""

    def close(self) -> None: ...


class Launcher(Protocol):
    """Starts browsers of one engine."""

    def launch(self, *, restores_pages: bool = False) -> Browser:
        """A browser of its own. ``restores_pages``: with the back/forward cache."""


class Engine(Protocol):
    """A module of this package: one engine."""

    NAME: str
    TITLE: str
    """As people write it."""

    def missing(self) -> str | None:
        """What isn't installed, in a sentence; None when the engine can run."""

    def launcher(self, proxy: str) -> AbstractContextManager[Launcher]:
        """A launcher of browsers that send every request to ``proxy``, an ``http://`` URL."""
