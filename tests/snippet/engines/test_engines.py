"""Each engine does alike what the suite asks of it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Error, TimeoutError

from tests.snippet.conformance.browser import PHONE, BrowserThread
from tests.snippet.conformance.service import Service
from tests.snippet.conformance.site import PLAIN_HTTP, SHOP, TARGET, Site
from tests.snippet.engines.protocol import Browser

OLD, NEW = "800-555-0100", "888-869-5345"
BODY = f"<p>{OLD}</p>"


def test_swap(site: Site) -> None:
    """The script runs and swaps, and asks the service with the page's address."""
    view = site.open(BODY, query="gclid=one").shows(NEW)
    (call,) = site.account.requests("/v1/swap")
    assert call.params["url"] == view.tab.url
    assert view.tab.url.endswith("/?gclid=one")


@pytest.mark.parametrize(("host", "secure"), [(SHOP, True), (PLAIN_HTTP, False)])
def test_hosts(site: Site, host: str, secure: bool) -> None:
    """Made-up names lead to the service; those under localhost are secure contexts."""
    view = site.open(BODY, host=host).shows(NEW)
    assert view.run("() => [location.hostname, isSecureContext]") == [host, secure]


def test_evaluate(site: Site) -> None:
    """A function gets its argument and gives what it returns or promises."""
    view = site.open(BODY)
    argument = {"list": [1, 2.5, None, True], "text": "\u2028 \u00fc </script>"}
    assert view.tab.evaluate("a => a", argument) == argument
    assert view.tab.evaluate("async a => [a.text.length]", argument) == [13]
    assert view.tab.evaluate("() => undefined") is None
    assert view.tab.eval_on_selector("p", "e => e.localName") == "p"


def test_evaluate_throws(site: Site) -> None:
    """What a function throws is raised, and is no error of the page."""
    view = site.open(BODY)
    with pytest.raises(Error, match="mine"):
        view.tab.evaluate("() => { throw new Error('mine') }")
    with pytest.raises(Error, match="mine too"):
        view.tab.evaluate("async () => { throw new Error('mine too') }")


def test_wait(site: Site) -> None:
    """Waiting goes on over a change of page, and ends with the engine's one kind of time-out."""
    view = site.open("<p>first</p>")
    second = site.serve("<p>second</p>", path="/second")
    view.tab.evaluate("url => { setTimeout(() => { location.href = url }, 50) }", second)
    view.tab.wait_for_function("t => document.querySelector('p')?.textContent == t", arg="second")
    view.tab.wait_for_function("() => document.querySelector('p')")
    with pytest.raises(TimeoutError):
        view.tab.wait_for_function("() => false", timeout=100)


def test_page_errors(site: Site) -> None:
    """Uncaught exceptions and rejections reach the suite, in frames too."""
    inner = site.serve("<script>throw new Error('in a frame')</script>", path="/inner", tag="")
    view = site.open(f'{BODY}<script>nothing.at.all()</script><iframe src="{inner}"></iframe>')
    view.run("() => { Promise.reject(new Error('rejected')) }")
    site.service.until(lambda: view.run("() => 1") and len(site.errors) >= 3, "three errors")
    errors, site.errors = site.errors, []
    assert [
        sum(text in error for error in errors) for text in ("nothing", "in a frame", "rejected")
    ] == [1, 1, 1]


def test_no_page_errors(site: Site) -> None:
    """A refusal by a policy, a missing picture or a failed request is no page error."""
    note = (
        "window.refused = []; document.addEventListener('securitypolicyviolation', "
        "event => refused.push(event.effectiveDirective.split('-')[0]))"
    )
    view = site.open(
        f"{BODY}<img src=/nothing><script src=/nothing></script>",
        headers={"content-security-policy": "connect-src 'none'; style-src 'none'"},
        before=[note],
    ).shows(NEW, "p")
    view.run("() => fetch('/nothing').catch(() => 0)")
    view.run("() => { document.body.insertAdjacentHTML('beforeend', '<style>p {}</style>') }")
    view.becomes([True, True], "() => ['connect', 'style'].map(name => refused.includes(name))")


def test_init_script(site: Site) -> None:
    """A script given ahead runs first, on each page and in frames, whatever the policy says."""
    policy = {"content-security-policy": f"default-src 'none'; script-src {site.script}"}
    script = "window.early = document.body; window.two = 2; sessionStorage.three = 3"
    view = site.open(BODY, headers=policy, before=[script])
    assert view.run("() => [early, two]") == [None, 2]
    view.tab.goto(site.service.at(SHOP, site.serve("<iframe srcdoc='<p>x'></iframe>", path="/b")))
    assert view.run("() => [early, two, frames[0].two]") == [None, 2, 2]


def test_no_globals(site: Site) -> None:
    """A page finds nothing of the suite among its globals, nor in what is new there."""
    view = site.open(BODY, tag="", before=["window.known = Object.getOwnPropertyNames(window)"])
    added = view.run("() => Object.getOwnPropertyNames(window).filter(n => !known.includes(n))")
    assert set(added) <= {"known", "0"}


def test_referrer(site: Site) -> None:
    """A page can be opened as if from another site's, whole address included."""
    referrer = "http://search.example/?q=flowers"
    view = site.open(BODY, referrer=referrer).shows(NEW)
    assert view.run("() => document.referrer") == referrer
    assert site.account.requests("/v1/swap")[0].params["ref"] == referrer


def test_cookies(site: Site) -> None:
    """Cookies of the profile reach the page, and the page's reach the suite."""
    site.context.add_cookies([{"name": "a", "value": "1%20", "url": site.service.at(SHOP)}])
    view = site.open(BODY, tag="")
    assert view.run("() => document.cookie") == "a=1%20"
    view.run("() => { document.cookie = 'b=2; path=/; max-age=86400' }")
    cookies = {cookie["name"]: cookie for cookie in site.context.cookies()}
    assert cookies["a"]["expires"] == -1
    assert abs(cookies["b"]["expires"] - site.service.now() - 86_400) < 60
    assert cookies["b"]["domain"] == SHOP


def test_profiles(site: Site, browser: Browser, service: Service) -> None:
    """Another profile shares neither cookies nor storage; another tab of this one does."""
    note = "() => { document.cookie = 'a=1'; localStorage.a = '1' }"
    read = "() => [document.cookie, localStorage.a ?? '']"
    site.open(BODY, tag="").run(note)
    assert site.open(BODY, tag="").run(read) == ["a=1", "1"]
    other = Site(browser, service)
    assert other.open(BODY, tag="").run(read) == ["", ""]
    other.close()


def test_back_and_reload(site: Site) -> None:
    """Back to a page loads it anew, unless the browser restores pages; so does reload."""
    view = site.open(BODY, before=["window.born = performance.timeOrigin"]).shows(NEW)
    born = view.run("() => born")
    view.tab.goto(site.service.at(SHOP, site.serve("<p>Other</p>", path="/other")))
    view.tab.go_back()
    again = view.shows(NEW).run("() => born")
    assert again > born
    view.tab.reload()
    assert view.shows(NEW).run("() => born") > again


def test_restored(restoring_site: Site) -> None:
    """A browser that restores pages brings the same document back."""
    site = restoring_site
    restored = "addEventListener('pageshow', event => { window.restored = event.persisted })"
    # Firefox doesn't keep a page that still loads something when it is left.
    view = site.open(BODY, before=[restored]).shows(NEW).settles()
    view.tab.goto(site.service.at(SHOP, site.serve("<p>Other</p>", path="/other", tag="")))
    view.tab.evaluate("() => history.back()")
    view.becomes(True, "() => window.restored").shows(NEW)


def test_input(site: Site) -> None:
    """Clicks and keys are a visitor's: trusted, with focus and caret."""
    listen = (
        "window.events = []; for (const type of ['click', 'input']) addEventListener(type, "
        "event => events.push(type + event.isTrusted))"
    )
    far = "<div style='height: 3000px'></div><div id=it contenteditable></div>"
    view = site.open(far, tag="", before=[listen])
    view.tab.click("#it")
    view.tab.keyboard.type("Call 8-0!")
    assert view.text("#it") == "Call 8-0!"
    assert view.run("() => events") == ["clicktrue", *["inputtrue"] * 9]
    assert view.run("() => [document.activeElement.id, getSelection().focusOffset]") == ["it", 9]


@pytest.mark.parametrize("sandbox", ["", "sandbox", "sandbox=allow-scripts"])
def test_frames(site: Site, sandbox: str) -> None:
    """The text of a frame can be read, whatever its origin or sandbox ({sandbox})."""
    inner = site.serve(BODY, path="/inner", tag="")
    url = site.service.at(PLAIN_HTTP, inner)
    view = site.open(f'<p>outside</p><iframe {sandbox} src="{url}"></iframe>')
    view.becomes(1, "() => length")
    page, frame = view.tab.frames
    assert page.text_content("p") == "outside"
    assert frame.text_content("p") == OLD
    frame.wait_for_function("t => document.querySelector('p').textContent == t", arg=OLD)


def test_console(site: Site) -> None:
    """What a page writes to the console reaches the suite, from the page's beginning."""
    tab = site.context.new_page()
    messages: list[str] = []
    tab.on("console", lambda message: messages.append(message.text))
    script = "<script>console.log('one', 2); console.warn('three')</script>"
    with tab.expect_console_message(lambda message: "three" in message.text):
        tab.goto(site.service.at(SHOP, site.serve(script, tag="")))
    assert messages == ["one 2", "three"]


def test_clock(site: Site) -> None:
    """A page's time goes on by itself, and forward as a test tells it."""
    tab = site.context.new_page()
    tab.clock.install()
    script = (
        "<script>window.ticks = 0; window.start = Date.now(); setInterval(() => ticks++, 1000);"
        "setTimeout(() => { window.soon = new Date() - start }, 50);"
        "setTimeout(() => { window.late = performance.now() }, 60000)</script>"
    )
    tab.goto(site.service.at(SHOP, site.serve(script, tag="")))
    tab.wait_for_function("() => window.soon >= 50")
    assert tab.evaluate("() => window.late") is None
    ticks = tab.evaluate("() => ticks")
    tab.clock.run_for(30_000)
    assert 30 <= tab.evaluate("() => ticks") - ticks <= 40
    tab.clock.run_for(31_000)
    assert tab.evaluate("() => late") >= 60_000


def test_phone(browser_thread: BrowserThread, browser: Browser, service: Service) -> None:
    """A profile may say that it is another browser."""
    site = Site(browser, service, **PHONE)
    assert site.open(BODY).run("() => navigator.userAgent") == PHONE["user_agent"]
    site.close()


def test_script_tag_and_size(site: Site) -> None:
    """A script added to a page has run; the page is as large as the suite says."""
    view = site.open(BODY, tag="")
    view.tab.add_script_tag(url=site.script)
    view.shows(NEW)
    assert site.account.asked() == [TARGET]
    view.tab.set_viewport_size({"width": 1100, "height": 900})
    view.becomes([1100, 900], "() => [innerWidth, innerHeight]")


def test_other_server(site: Site) -> None:
    """A server of the test's own answers at its port, piece by piece; elsewhere nobody does."""
    go_on = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            said = [self.path, self.headers["host"].split(":")[0], self.rfile.read(length).decode()]
            self.send_response(200)
            self.send_header("access-control-allow-origin", "*")
            self.end_headers()
            self.wfile.write("|".join(said).encode())
            self.wfile.flush()
            go_on.wait(20)
            self.wfile.write(b"|end")

        def log_message(self, format: str, *args: object) -> None:
            pass

    view = site.open(BODY, tag="")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://other.example:{server.server_address[1]}/a?b=1"
        view.run(
            """async url => {
              const answer = await fetch(url, {method: 'POST', body: 'hello'});
              window.reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            }""",
            url,
        )
        assert view.run("async () => (await reader.read()).value") == "/a?b=1|other.example|hello"
        go_on.set()
        assert view.run("async () => (await reader.read()).value") == "|end"
        server.shutdown()
        thread.join()
    failed = "url => fetch(url, {method: 'POST'}).then(() => 'answered', () => 'failed')"
    assert view.run(failed, url) == "failed"
