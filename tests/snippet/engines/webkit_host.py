"""A window of Debian's WebKitGTK for each tab, driven over standard input and output.

Run by the system's Python, whose ``python3-gi`` binds GTK; nothing else of ours is imported. Each
line of input is a command, ``{"id": 1, "do": "goto", "tab": 1, …}``, and each line of output its
answer, ``{"id": 1, "value": …}`` or ``{"id": 1, "error": "…", "kind": "…"}``, or an event of a tab,
``{"event": "pageerror", "tab": 1, "text": "…"}``. The end of input ends the program.
"""

from __future__ import annotations

import email.policy
import json
import os
import sys
import traceback
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("Soup", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gdk, GLib, Gtk, Soup, WebKit2  # noqa: E402 (after require_version)

WORLD = "suite"
"""The content world of ``webkit_page.js``: it shares the page's DOM, and none of its variables."""
PAGE_SCRIPT = (Path(__file__).parent / "webkit_page.js").read_text(encoding="utf-8")
CONSOLE_SCRIPT = (Path(__file__).parent / "webkit_console.js").read_text(encoding="utf-8")
ALL_FRAMES = WebKit2.UserContentInjectedFrames.ALL_FRAMES
AT_START = WebKit2.UserScriptInjectionTime.START
# What a page may wait for, each fulfilled by the ones after it.
STAGES = ("commit", "domcontentloaded", "load")


def write(message: dict) -> None:
    """Send one line to the suite."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Answer:
    """The answer that one command still owes; only the first one is sent."""

    def __init__(self, id: int) -> None:
        self.id = id
        self._sent = False

    def value(self, value: object = None) -> None:
        """The command is done."""
        self._send({"value": value})

    def error(self, text: str, kind: str = "error") -> None:
        """The command failed. ``kind``: ``gone`` when the page left before it was done."""
        self._send({"error": text, "kind": kind})

    def _send(self, message: dict) -> None:
        if not self._sent:
            self._sent = True
            write({"id": self.id, **message})


class Tab:
    """One window with one view."""

    def __init__(self, id: int, context: WebKit2.WebContext, user_agent: str, *, restores: bool):
        self.id = id
        self._waiting: list[tuple[str, Answer]] = []
        self._started = self._committed = True
        self._inputs = 0
        self._typed: Answer | None = None
        self._running: list[Answer] = []
        self.scripts = WebKit2.UserContentManager()
        self.scripts.connect(f"script-message-received::{WORLD}", self._on_message)
        self.scripts.register_script_message_handler_in_world(WORLD, WORLD)
        self.scripts.add_script(
            WebKit2.UserScript.new_for_world(PAGE_SCRIPT, ALL_FRAMES, AT_START, WORLD, None, None)
        )
        settings = WebKit2.Settings(
            enable_page_cache=restores,
            hardware_acceleration_policy=WebKit2.HardwareAccelerationPolicy.NEVER,
        )
        if user_agent:
            settings.set_user_agent(user_agent)
        self.view = WebKit2.WebView(
            web_context=context, user_content_manager=self.scripts, settings=settings
        )
        self.view.connect("load-changed", self._load_changed)
        self.view.connect("load-failed", self._load_failed)
        self.view.connect("web-process-terminated", self._terminated)
        self.window = Gtk.Window()
        self.window.add(self.view)
        self.resize(1280, 720)
        self.window.show_all()
        self.view.grab_focus()

    def resize(self, width: int, height: int) -> None:
        """Give the view this many pixels."""
        self.window.resize(width, height)

    def add_init_script(self, source: str) -> None:
        """Run in every frame's own world before its scripts."""
        self.scripts.add_script(WebKit2.UserScript.new(source, ALL_FRAMES, AT_START, None, None))

    def load(self, url: str, referrer: str, stage: str, answer: Answer) -> None:
        """Navigate, and answer when the page is at ``stage``."""
        request = WebKit2.URIRequest.new(url)
        if referrer:
            request.get_http_headers().append("Referer", referrer)
        here = self.view.get_uri() or ""
        self.wait(stage, answer)
        self.view.load_request(request)
        if "#" in url and url.partition("#")[0] == here.partition("#")[0]:
            self._committed = True
            self._reached("load")  # a place on the same page

    def wait(self, stage: str, answer: Answer) -> None:
        """Answer when the navigation that begins now is at ``stage``."""
        # What still comes of the page before doesn't count.
        self._started = self._committed = False
        self._waiting.append((stage, answer))

    def evaluate(self, body: str, answer: Answer) -> None:
        """Answer with what a function of this body gives in the page's own world."""

        def done(view: WebKit2.WebView, result: object) -> None:
            if answer in self._running:
                self._running.remove(answer)
            try:
                value = view.call_async_javascript_function_finish(result)
            except GLib.Error as error:
                gone = not error.matches(
                    WebKit2.javascript_error_quark(), WebKit2.JavascriptError.SCRIPT_FAILED
                )
                answer.error(error.message, "gone" if gone else "error")
            else:
                if isinstance(value, WebKit2.JavascriptResult):
                    value = value.get_js_value()
                text = None if value.is_undefined() else value.to_json(0)
                answer.value(None if text is None else json.loads(text))

        self._running.append(answer)
        self.view.call_async_javascript_function(body, -1, None, None, None, None, done)

    def documents(self, answer: Answer) -> None:
        """Answer with a copy, as HTML, of the page's document and of each frame's in it.

        WebKit saves a page with all its frames: those of other origins, which a script of the page
        doesn't reach, and sandboxed ones, which no script runs in.
        """

        def done(view: WebKit2.WebView, result: object) -> None:
            stream = view.save_finish(result)
            archive = b""
            while read := stream.read_bytes(1 << 20, None).get_data():
                archive += read
            parts = email.message_from_bytes(archive, policy=email.policy.default).walk()
            answer.value(
                [
                    part.get_payload(decode=True).decode()
                    for part in parts
                    if part.get_content_type() == "text/html"
                ]
            )

        self.view.save(WebKit2.SaveMode.MHTML, None, done)

    def press(self, x: float, y: float, answer: Answer) -> None:
        """Click at a point of the view, in pixels; answer when the page has had the click."""
        self._inputs, self._typed = 1, answer
        for kind in (Gdk.EventType.BUTTON_PRESS, Gdk.EventType.BUTTON_RELEASE):
            event = Gdk.Event.new(kind)
            event.button.window = self.view.get_window()
            event.button.send_event = True
            event.button.time = Gdk.CURRENT_TIME
            event.button.x, event.button.y = x, y
            event.button.button = 1
            event.button.state = (
                Gdk.ModifierType.BUTTON1_MASK
                if kind == Gdk.EventType.BUTTON_RELEASE
                else Gdk.ModifierType(0)
            )
            event.set_device(Gdk.Display.get_default().get_default_seat().get_pointer())
            self.view.event(event)

    def type(self, text: str, answer: Answer) -> None:
        """Press the key of each character; answer when the page has had them all."""
        self._inputs, self._typed = len(text), answer
        keymap = Gdk.Keymap.get_for_display(Gdk.Display.get_default())
        for character in text:
            keyval = Gdk.unicode_to_keyval(ord(character))
            found, keys = keymap.get_entries_for_keyval(keyval)
            for kind in (Gdk.EventType.KEY_PRESS, Gdk.EventType.KEY_RELEASE):
                event = Gdk.Event.new(kind)
                event.key.window = self.view.get_window()
                event.key.send_event = True
                event.key.time = Gdk.CURRENT_TIME
                event.key.keyval = keyval
                event.key.hardware_keycode = keys[0].keycode if found else 0
                event.set_device(Gdk.Display.get_default().get_default_seat().get_keyboard())
                self.view.event(event)

    def screenshot(self, path: str, answer: Answer) -> None:
        """Write the whole document as a PNG."""

        def done(view: WebKit2.WebView, result: object) -> None:
            view.get_snapshot_finish(result).write_to_png(path)
            answer.value()

        self.view.get_snapshot(
            WebKit2.SnapshotRegion.FULL_DOCUMENT, WebKit2.SnapshotOptions.NONE, None, done
        )

    def close(self) -> None:
        """End the window."""
        self.window.destroy()

    def _load_changed(self, view: WebKit2.WebView, event: WebKit2.LoadEvent) -> None:
        if event == WebKit2.LoadEvent.STARTED:
            self._started = True
        elif event == WebKit2.LoadEvent.COMMITTED and self._started:
            self._committed = True
            # A page that goes into the back/forward cache leaves its promises open.
            running, self._running = self._running, []
            for answer in running:
                answer.error("the page left", "gone")
            self._reached("commit")
        elif event == WebKit2.LoadEvent.FINISHED:
            self._reached("load")

    def _load_failed(self, view: object, event: object, url: str, error: GLib.Error) -> bool:
        if not error.matches(WebKit2.network_error_quark(), WebKit2.NetworkError.CANCELLED):
            waiting, self._waiting = self._waiting, []
            for _, answer in waiting:
                answer.error(f"{url}: {error.message}")
        return False

    def _terminated(self, view: object, reason: object) -> None:
        write({"event": "crash", "tab": self.id, "text": reason.value_nick})
        for answer in (*self._running, *(answer for _, answer in self._waiting)):
            answer.error(f"the page's process has ended: {reason.value_nick}")

    def _reached(self, stage: str) -> None:
        if not self._committed:
            return
        reached = STAGES[: STAGES.index(stage) + 1]
        done = [answer for wanted, answer in self._waiting if wanted in reached]
        self._waiting = [pair for pair in self._waiting if pair[0] not in reached]
        for answer in done:
            answer.value()

    def _on_message(self, scripts: object, result: WebKit2.JavascriptResult) -> None:
        message = json.loads(result.get_js_value().to_string())
        if message["event"] == "domcontentloaded":
            self._reached("domcontentloaded")
        elif message["event"] == "input":
            self._inputs -= 1
            if self._inputs == 0 and self._typed:
                self._typed.value()
        else:
            write({**message, "tab": self.id})


class Context:
    """One profile, kept in memory, whose every request goes through a proxy."""

    def __init__(self, proxy: str) -> None:
        self.web = WebKit2.WebContext.new_ephemeral()
        self.web.get_website_data_manager().set_network_proxy_settings(
            WebKit2.NetworkProxyMode.CUSTOM, WebKit2.NetworkProxySettings.new(proxy, None)
        )
        self.tabs: list[int] = []

    def add_cookie(self, cookie: dict, answer: Answer) -> None:
        """Keep a session cookie."""
        made = Soup.Cookie.new(cookie["name"], cookie["value"], cookie["domain"], "/", -1)
        jar = self.web.get_cookie_manager()
        jar.add_cookie(made, None, lambda jar, result: answer.value(jar.add_cookie_finish(result)))

    def cookies(self, answer: Answer) -> None:
        """Answer with every cookie; ``expires`` in Unix seconds, -1 for a session's."""

        def plain(cookie: Soup.Cookie) -> dict:
            expires = cookie.get_expires()
            return {
                "name": cookie.get_name(),
                "value": cookie.get_value(),
                "domain": cookie.get_domain(),
                "path": cookie.get_path(),
                "expires": expires.to_unix() if expires else -1,
            }

        def done(jar: WebKit2.CookieManager, result: object) -> None:
            answer.value([plain(cookie) for cookie in jar.get_all_cookies_finish(result)])

        self.web.get_cookie_manager().get_all_cookies(None, done)


class Host:
    """All profiles and tabs, and the commands over them."""

    def __init__(self) -> None:
        self.contexts: dict[int, Context] = {}
        self.tabs: dict[int, Tab] = {}

    def do(self, command: dict, answer: Answer) -> None:
        """Carry one command out."""
        what = command["do"]
        if what == "version":
            numbers = (WebKit2.get_major_version, WebKit2.get_minor_version)
            answer.value(".".join(str(number()) for number in numbers))
        elif what == "new_context":
            self.contexts[command["context"]] = Context(command["proxy"])
            answer.value()
        elif what == "new_tab":
            context = self.contexts[command["context"]]
            context.tabs.append(command["tab"])
            self.tabs[command["tab"]] = Tab(
                command["tab"],
                context.web,
                command["user_agent"],
                restores=command["restores_pages"],
            )
            answer.value()
        elif what == "close_context":
            for tab in self.contexts.pop(command["context"]).tabs:
                if tab in self.tabs:
                    self.tabs.pop(tab).close()
            answer.value()
        elif what == "add_cookie":
            self.contexts[command["context"]].add_cookie(command["cookie"], answer)
        elif what == "cookies":
            self.contexts[command["context"]].cookies(answer)
        else:
            self._do_in_tab(what, self.tabs[command["tab"]], command, answer)

    def _do_in_tab(self, what: str, tab: Tab, command: dict, answer: Answer) -> None:
        if what == "goto":
            tab.load(command["url"], command["referrer"], command["stage"], answer)
        elif what == "evaluate":
            tab.evaluate(command["body"], answer)
        elif what == "documents":
            tab.documents(answer)
        elif what == "press":
            tab.press(command["x"], command["y"], answer)
        elif what == "type":
            tab.type(command["text"], answer)
        elif what == "reload":
            tab.wait("load", answer)
            tab.view.reload()
        elif what == "go_back":
            tab.wait("load", answer)
            tab.view.go_back()
        elif what == "screenshot":
            tab.screenshot(command["path"], answer)
        elif what == "url":
            answer.value(tab.view.get_uri())
        else:
            if what == "add_init_script":
                tab.add_init_script(command["source"])
            elif what == "watch_console":
                tab.add_init_script(CONSOLE_SCRIPT)
            elif what == "resize":
                tab.resize(command["width"], command["height"])
            elif what == "close":
                self.tabs.pop(tab.id).close()
            else:
                raise ValueError(f"no command: {what}")
            answer.value()


def main() -> None:
    """Serve commands until the input ends."""
    host = Host()
    rest = b""

    def readable(descriptor: int, condition: object) -> bool:
        nonlocal rest
        read = os.read(descriptor, 1 << 20)
        if not read:
            Gtk.main_quit()
            return False
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            command = json.loads(line)
            answer = Answer(command["id"])
            try:
                host.do(command, answer)
            except Exception:
                answer.error(traceback.format_exc())
        return True

    GLib.unix_fd_add_full(
        GLib.PRIORITY_DEFAULT, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP, readable
    )
    Gtk.main()


if __name__ == "__main__":
    main()
