"""What the owner of a page can set, call and listen to."""

from __future__ import annotations

import pytest

from allocator.answers import State
from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import (
    NEW,
    NUMBER,
    OLD,
    QUEUE,
    SUPPORT,
    SUPPORT_NUMBER,
    TARGET,
    Site,
)

BODY = f"<p>{OLD}</p>"
MAIN = "() => document.querySelector('main').innerHTML.trim()"
_DISPLAY = "s => getComputedStyle(document.querySelector(s)).display"
_VISIBILITY = "s => getComputedStyle(document.querySelector(s)).visibility"


def test_event(site: Site) -> None:
    """ringpool:swapped carries which target became which number."""
    listen = (
        "window.events = []; document.addEventListener('ringpool:swapped', "
        "event => events.push(event.detail))"
    )
    view = site.open(BODY, before=[listen]).shows(NEW)
    view.becomes([{TARGET: NUMBER}], "() => events")


def test_no_event(site: Site) -> None:
    """Where nothing is swapped there is no event."""
    site.offers(Pool(TARGET, ""))
    listen = "document.addEventListener('ringpool:swapped', () => { window.events = true })"
    view = site.open(BODY, before=[listen])
    site.requests("/v1/swap")
    assert view.settles().run("() => window.events") is None


def test_restore(site: Site) -> None:
    """ringpool('restore') puts back every byte, and ringpool('swap') swaps again without asking."""
    body = (
        f'<p title="Tel {OLD}">(800) 555-0100</p><a href="tel:8005550100">800<b>555</b>0100</a>'
        f'<svg><text>{OLD}</text></svg><input type="button" value="{OLD}">'
    )
    view = site.open(body).shows(f"(888) 869-5345888869534{NEW[-1]}{NEW}").settles()
    swapped = view.html()
    view.run("() => ringpool('restore')")
    view.becomes(
        view.run("html => new DOMParser().parseFromString(html, 'text/html').body.innerHTML", body),
        MAIN,
    )
    view.run("() => ringpool('swap')")
    view.becomes(swapped, MAIN)
    assert site.account.asked() == [TARGET]


_COLLECT = """async () => {
  const parts = [...document.querySelectorAll('i')].map(i => new WeakRef(i.getAttributeNode('id')));
  for (let round = 0; round < 200 && parts.some(part => part.deref()); round++) {
    Array.from({length: 20000}, (_, j) => ({j, text: 'x' + j}));
    await new Promise(done => setTimeout(done, 2));
  }
}"""


def test_restore_after_collection(site: Site) -> None:
    """Restore puts attributes back, too, when the browser has collected its garbage since."""
    body = f'<a id=it href="tel:8005550100" title="{OLD}">a</a>'
    view = site.open(body + "<i id=x></i>" * 100)
    now = "() => [it.getAttribute('href'), it.title]"
    view.becomes(["tel:+18888695345", NEW], now)
    view.run(_COLLECT)  # until attributes that nobody holds are gone, where they ever go
    view.run("() => ringpool('restore')")
    view.becomes(["tel:8005550100", OLD], now)


def test_callback_that_throws(site: Site) -> None:
    """An onNoNumber callback that throws keeps no other number from being swapped."""
    site.offers(Pool(TARGET, ""), Pool(SUPPORT, SUPPORT_NUMBER, id="support"))
    throws = f"{QUEUE} ringpool('onNoNumber', () => {{ throw new Error('mine') }})"
    site.own_error = "mine"
    site.open(f"{BODY}<i>800-555-0177</i>", before=[throws]).shows(f"{OLD}877-700-1234")


def test_restore_then_change(site: Site) -> None:
    """After restore a number added later stays as printed."""
    view = site.open(BODY).shows(NEW)
    view.run("() => ringpool('restore')")
    view.shows(OLD)
    view.run(
        f"() => document.querySelector('main').insertAdjacentHTML('beforeend', '<p>{OLD}</p>')"
    )
    view.keeps(OLD + OLD)


def test_restore_keeps_what_the_page_changed(site: Site) -> None:
    """Restore leaves alone what the page itself wrote in the meantime."""
    view = site.open(BODY).shows(NEW)
    view.run("() => { document.querySelector('p').firstChild.data = 'Closed' }")
    view.run("() => ringpool('restore')")
    view.keeps("Closed")


def test_swap_a_detached_node(site: Site) -> None:
    """ringpool('swap', node) swaps what the page doesn't show yet."""
    view = site.open(BODY).shows(NEW)
    view.run(
        f"""() => {{
          window.made = document.createElement('div');
          made.innerHTML = '<p>{OLD}</p>';
          ringpool('swap', made);
        }}"""
    )
    assert view.run("() => made.textContent") == NEW


def test_number(site: Site) -> None:
    """ringpool('number', target, callback) gives the number of a target not on the page."""
    site.offers(Pool(TARGET, NUMBER), Pool(SUPPORT, SUPPORT_NUMBER, id="support"))
    view = site.open(BODY).shows(NEW)
    answer = view.run(f"() => new Promise(done => ringpool('number', '{SUPPORT}', done))")
    assert answer["number"] == SUPPORT_NUMBER
    assert site.account.asked() == [TARGET, SUPPORT]


def test_number_unknown(site: Site) -> None:
    """It calls back with null for a number that is no target, and for a pool without any."""
    site.offers(Pool(TARGET, NUMBER), Pool(SUPPORT, "", id="support"))
    view = site.open(BODY).shows(NEW)
    for target in (SUPPORT, "+19995550000"):
        assert view.run(f"() => new Promise(done => ringpool('number', '{target}', done))") is None


def test_queue(site: Site) -> None:
    """Commands given before the script loaded are carried out when it has."""
    before = (
        f"{QUEUE} ringpool('number', '{TARGET}', answer => {{ window.called = answer.number }})"
    )
    site.open("<p>Hello</p>", before=[before]).becomes(NUMBER, "() => window.called")


def test_unknown_command(site: Site) -> None:
    """An unknown command does no harm, and neither does one in the queue."""
    view = site.open(BODY, before=[f"{QUEUE} ringpool('dance'); ringpool()"]).shows(NEW)
    view.run(
        "() => { ringpool('dance'); ringpool(); ringpool('constructor'); ringpool('toString') }"
    )


def test_failing_callback(site: Site) -> None:
    """A callback of the page that fails doesn't keep the number from being swapped."""
    before = f"{QUEUE} ringpool('number', '{TARGET}', () => {{ throw new Error('mine') }})"
    site.own_error = "mine"
    site.open(BODY, before=[before]).shows(NEW)


def test_show_and_hide(site: Site) -> None:
    """data-show, data-hide and data-invisible react to a number being present."""
    tag = site.tag('data-show=".with" data-hide=".without" data-invisible=".ghost"')
    body = f"{BODY}<i class=with>a</i><i class=without>b</i><i class=ghost>c</i>"
    view = site.open(body, tag=tag).shows(NEW, "p")
    view.becomes("none", _DISPLAY, ".without")
    assert view.run(_DISPLAY, ".with") == "inline"
    assert view.run(_VISIBILITY, ".ghost") == "hidden"


def test_show_and_hide_without_a_number(site: Site) -> None:
    """Without a number data-show stays hidden and the rest visible."""
    site.offers(Pool(TARGET, ""))
    tag = site.tag('data-show=".with" data-hide=".without" data-invisible=".ghost"')
    body = f"{BODY}<i class=with>a</i><i class=without>b</i><i class=ghost>c</i>"
    view = site.open(body, tag=tag)
    site.requests("/v1/swap")
    view.settles()
    assert view.run(_DISPLAY, ".with") == "none"
    assert view.run(_DISPLAY, ".without") == "inline"
    assert view.run(_VISIBILITY, ".ghost") == "visible"


def test_selector(site: Site) -> None:
    """data-selector names elements whose own number is swapped as the first target's."""
    tag = site.tag('data-selector=".phone"')
    view = site.open("<p>217-555-0144 or <b class=phone>Tel 217-555-0188</b></p>", tag=tag)
    view.shows(f"217-555-0144 or Tel {NEW}")
    assert site.account.asked() == [TARGET]


def test_selector_later(site: Site) -> None:
    """An element that data-selector names is swapped when it comes later, too."""
    view = site.open("<p class=phone>217-555-0188</p>", tag=site.tag("data-selector=.phone"))
    view.shows(NEW)
    later = "<p class=phone>217-555-0199</p>"
    view.run("p => document.querySelector('main').insertAdjacentHTML('beforeend', p)", later)
    view.shows(NEW + NEW)


def test_same_tag_twice(site: Site) -> None:
    """The same tag twice swaps once and asks once."""
    view = site.open(BODY, tag=site.tag() + site.tag()).shows(NEW).settles()
    assert view.text() == NEW
    assert site.account.asked() == [TARGET]


def test_same_tag_injected_later(site: Site) -> None:
    """The same tag injected once more later does no harm."""
    view = site.open(BODY).shows(NEW)
    view.inject(site.script)
    view.keeps(NEW)
    assert site.account.asked() == [TARGET]


def test_two_accounts(site: Site) -> None:
    """Tags of two accounts on one page: the first works, the second does no harm."""
    other = site.service.account([Pool(SUPPORT, SUPPORT_NUMBER)])
    src = site.script.replace(site.account.id, other.id)
    tags = (site.tag() + site.tag(src=src)).replace("async ", "")
    view = site.open(f"{BODY}<i>800-555-0177</i>", tag=tags)
    view.shows(f"{NEW}800-555-0177").keeps(f"{NEW}800-555-0177")
    assert site.account.asked() == [TARGET]
    assert other.asked() == []


def test_two_accounts_one_target(site: Site) -> None:
    """Tags of two accounts for the same number don't swap back and forth for ever."""
    other = site.service.account([Pool(TARGET, SUPPORT_NUMBER)])
    src = site.script.replace(site.account.id, other.id)
    view = site.open(BODY, tag=site.tag() + site.tag(src=src))
    view.becomes(False, "old => document.querySelector('main').textContent == old", OLD)
    first = view.settles().text()
    assert first in (NEW, "877-700-1234")
    view.keeps(first)


def test_answer_that_is_a_target(site: Site) -> None:
    """Pools that give each other's targets swap each number once."""
    site.offers(Pool(TARGET, SUPPORT), Pool(SUPPORT, TARGET, id="support"))
    view = site.open(f"{BODY}<i>800-555-0177</i>").shows("800-555-0177800-555-0100")
    view.keeps("800-555-0177800-555-0100")


def test_test_run(site: Site) -> None:
    """?rp_test=1 swaps to a test number, reports on the console, and takes no number."""
    view = site.open(BODY, query="rp_test=1").logs(TARGET)
    view.becomes(True, "old => document.querySelector('p').textContent != old", OLD)
    assert NEW not in view.text("p")
    assert site.account.requests("/v1/swap") == []


def test_test_run_without_the_target(site: Site) -> None:
    """A test run says of a target that isn't on the page that it isn't, and of no number of it."""
    view = site.open("<p>Hello</p>", query="rp_test=1").logs(f"{TARGET} (pool main) isn't on")
    assert not [line for line in view.settles().console if "shows" in line]


def test_test_run_of_a_welcome_page(site: Site) -> None:
    """A test run says that the service gives numbers to this page."""
    site.open(BODY, query="rp_test=1").logs("the service gives numbers to this page")
    assert site.account.requests("/v1/swap") == []


def test_test_run_of_a_foreign_page(site: Site) -> None:
    """A test run says that the service refuses this page, and why."""
    site.account.behaviour = "foreign"
    view = site.open(BODY, query="rp_test=1")
    view.logs("the service refuses this page: ForbiddenOrigin: not an origin")


def test_test_run_without_the_service(site: Site) -> None:
    """A test run says that the service can't be reached."""
    site.account.behaviour = "hang up"
    site.open(BODY, query="rp_test=1").logs("the service can't be reached")


def test_debug(site: Site) -> None:
    """data-debug reports on the console what was found and swapped."""
    site.open(BODY, tag=site.tag("data-debug")).logs(f"shows {NUMBER} (held)")


@pytest.mark.parametrize(
    ("what", "pool", "message"),
    [
        (
            "overflow",
            Pool(TARGET, NUMBER, state=State.OVERFLOW),
            f"shows {NUMBER}, its pool's overflow number",
        ),
        ("an exhausted pool", Pool(TARGET, ""), "stays: its pool has no number left"),
        (
            "a crawler",
            Pool(TARGET, "", reason="not_a_visitor"),
            "stays: the service takes this browser for a crawler",
        ),
        (
            "a visit that no rule is for",
            Pool(TARGET, "", reason="no_rule"),
            "stays: no rule of the account is for this visit",
        ),
        (
            "another reason",
            Pool(TARGET, "", reason="moon_phase"),
            "stays: moon_phase",
        ),
    ],
)
def test_debug_answers(site: Site, what: str, pool: Pool, message: str) -> None:
    """data-debug names {what}."""
    site.offers(pool)
    site.open(BODY, tag=site.tag("data-debug")).logs(f"{TARGET} (pool main) {message}")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("foreign", f"{TARGET} (pool main) stays: the service refuses this page: ForbiddenOrigin"),
        ("hang up", f"{TARGET} (pool main) stays: the service gave no answer that can be read"),
        ("html", "the service can't be reached at http"),
        ("error", f"{TARGET} (pool main) stays: the service refuses this page: ForbiddenOrigin"),
        ("slow", f"{TARGET} (pool main) waits for the service: no answer for 2 s; one that comes"),
    ],
)
def test_debug_failures(site: Site, behaviour: str, message: str) -> None:
    """data-debug says what keeps the printed number when the service is: {behaviour}."""
    site.account.behaviour = behaviour
    site.open(BODY, tag=site.tag("data-debug")).logs(message)


def test_debug_consent(site: Site) -> None:
    """data-debug says that a pool of one number a visitor waits for consent."""
    site.offers(Pool(TARGET, NUMBER, visitor=True))
    tag = site.tag("data-debug data-consent=required")
    site.open(BODY, tag=tag).logs(f"{TARGET} (pool main) waits for consent")


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ("<p data-rp-noswap>800-555-0100</p>", "stays inside of data-rp-noswap"),
        ("<textarea>800-555-0100</textarea>", "stays in a text area"),
        ("<p contenteditable>800-555-0100</p>", "stays where visitors write"),
        ("<script>var phone = '800-555-0100'</script>", "stays in a script or style"),
        ("<p>SKU800-555-0100</p>", "stays beside other characters: SKU800-555-0100"),
        ('<a href="sms:+18005550100">a</a>', "stays in a link that doesn't dial: sms:+18005550100"),
        ('<p data-tel="800-555-0100">a</p>', "stays in the attribute data-tel of <p>"),
    ],
)
def test_debug_places(site: Site, html: str, message: str) -> None:
    """data-debug says of a number that stays in {html} why it does."""
    view = site.open(html, tag=site.tag("data-debug"))
    view.logs(f"{TARGET} (pool main) isn't on this page\n  {message}")
    site.account.calls.clear()
    view.change(f"main.insertAdjacentHTML('beforeend', '<p>{OLD}</p>')")
    view.logs(f"shows {NUMBER} (held)\n  {message}")


def test_silence(site: Site) -> None:
    """Without data-debug nothing is written to the console."""
    view = site.open(BODY).shows(NEW)
    assert [line for line in view.console if "favicon" not in line and "404" not in line] == []


@pytest.mark.parametrize("how", ["tag", "pool"])
def test_click_to_call(phone_site: Site, how: str) -> None:
    """On a phone a number in text becomes a tel: link, if it is set in the {how}."""
    phone_site.offers(Pool(TARGET, NUMBER, click_to_call=how == "pool"))
    tag = phone_site.tag("data-click-to-call" if how == "tag" else "")
    view = phone_site.open(f'<p>Call {OLD} now</p><a id=it href="/x">{OLD}</a>', tag=tag)
    view.becomes(f"tel:{NUMBER}", "() => document.querySelector('p a')?.getAttribute('href')")
    assert view.text("p") == f"Call {NEW} now"
    assert view.text("p a") == NEW
    assert view.run("() => it.getAttribute('href')") == "/x"


def test_click_to_call_undone(phone_site: Site) -> None:
    """A link made of a number is restored and swapped as any other."""
    link = '<p>Call <a href="tel:{}">{}</a> now</p>'
    tag = phone_site.tag("data-click-to-call")
    view = phone_site.open(f"<p>Call {OLD} now</p>", tag=tag)
    view.becomes(link.format(NUMBER, NEW), "() => document.querySelector('main').innerHTML")
    view.run("() => ringpool('restore')")
    assert view.settles().html() == link.format(TARGET, OLD)
    view.run("() => ringpool('swap')")
    assert view.settles().html() == link.format(NUMBER, NEW)


@pytest.mark.parametrize("place", ["button", "option", "svg text"])
def test_no_link_there(phone_site: Site, place: str) -> None:
    """Where a link would break something ({place}) the number is swapped and stays text."""
    outer, _, inner = place.rpartition(" ")
    html = f"<{inner}>{OLD}</{inner}>"
    body = f"<{outer}>{html}</{outer}>" if outer else html
    view = phone_site.open(body, tag=phone_site.tag("data-click-to-call"))
    view.shows(NEW).settles()
    assert view.run("() => document.querySelector('main a')") is None


def test_no_click_to_call_on_a_desktop(site: Site) -> None:
    """On a desktop computer no link is made."""
    view = site.open(BODY, tag=site.tag("data-click-to-call")).shows(NEW).settles()
    assert view.html() == f"<p>{NEW}</p>"


def test_no_layout_shift(site: Site) -> None:
    """A number of the same width moves nothing: layout shift is zero."""
    watch = """
      window.shift = 0;
      // Chromium alone tells of shifts by itself.
      if (PerformanceObserver.supportedEntryTypes.includes('layout-shift')) {
        new PerformanceObserver(list => list.getEntries().forEach(e => { shift += e.value }))
          .observe({type: 'layout-shift', buffered: true});
      }
      window.boxes = () => [...document.querySelectorAll('p, b, div')].map(element => {
        const {x, y, width, height} = element.getBoundingClientRect();
        return [x, y, width, height];
      });
    """
    site.account.behaviour = "slow"
    body = (
        f"<p style='font: 20px monospace'>Call {OLD} <b>now</b></p>"
        "<div style='height: 500px'>a</div>"
    )
    view = site.open(body, before=[watch])
    before = view.settles().run("boxes")
    site.account.wake.set()
    view.shows(f"Call {NEW} nowa").settles()
    assert view.run("boxes") == before
    assert view.run("() => shift") == 0


def test_ping_only_where_held(site: Site) -> None:
    """A pool without hold_on_activity gets no ping and no release."""
    view = site.open(BODY).shows(NEW)
    view.stop_clock()
    view.goes_to(site.at(site.serve("<p>x</p>", path="/x", tag="")))
    view.settles()
    assert site.account.requests("/v1/ping") + site.account.requests("/v1/release") == []


def test_release(site: Site) -> None:
    """A pool with hold_on_activity gets a release when the visitor leaves."""
    site.offers(Pool(TARGET, NUMBER, hold_ms=60_000))
    view = site.open(BODY).shows(NEW)
    view.goes_to(site.at(site.serve("<p>x</p>", path="/x", tag="")))
    assert site.requests("/v1/release")[0].params["targets"] == TARGET


def test_no_ping_while_hidden(site: Site) -> None:
    """A page that can't be seen sends no ping until it can."""
    site.offers(Pool(TARGET, NUMBER, hold_ms=10_000))
    hide = "Object.defineProperty(document, 'hidden', {get: () => !window.seen})"
    view = site.tab([hide]).stop_clock().goes_to(site.at(site.serve(BODY)))
    view.shows_without_clock(NEW, "p").pass_time(30_000)
    assert site.account.requests("/v1/ping") == []
    view.execute("() => { window.seen = true }").pass_time(10_000)
    site.requests("/v1/ping")


def test_ping(site: Site) -> None:
    """A pool with hold_on_activity gets pings while the page is visible."""
    site.offers(Pool(TARGET, NUMBER, hold_ms=10_000, keep="sealed", guarantee_ms=5_000))
    view = site.tab().stop_clock().goes_to(site.at(site.serve(BODY)))
    view.shows_without_clock(NEW, "p")
    for _ in range(22):
        view.pass_time(1_000)
    for ping in site.requests("/v1/ping", 2)[:2]:  # the guarantee told of is over by the second
        assert (ping.params["targets"], ping.params["held"]) == (TARGET, "sealed")
