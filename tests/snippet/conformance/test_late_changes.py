"""Numbers that come or change after the first swap."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.service import Page
from tests.snippet.conformance.site import NEW, NUMBER, OLD, SUPPORT, SUPPORT_NUMBER, TARGET, Site
from tests.snippet.conformance.view import View


def swapped(site: Site, body: str = f"<p>{OLD}</p>") -> View:
    """A page whose first number was swapped."""
    return site.open(body).shows(NEW)


@pytest.mark.parametrize(
    ("what", "script"),
    [
        ("an element", f"main.innerHTML = '<div><p>{OLD}</p></div>'"),
        ("a text node", f"main.replaceChildren(document.createTextNode('{OLD}'))"),
        ("an element's text", f"main.querySelector('p').textContent = '{OLD}'"),
        ("a text node's data", f"main.querySelector('p').firstChild.data = '{OLD}'"),
        (
            "a part of a text node",
            f"main.querySelector('p').firstChild.replaceData(0, 12, '{OLD}')",
        ),
        ("another element of the same number", "main.innerHTML = '<i>8</i>00-<b>555</b>-0100'"),
        ("HTML beside", f"main.insertAdjacentHTML('afterbegin', '{OLD}'); main.lastChild.remove()"),
        ("the whole body", f"document.body.outerHTML = '<body><main>{OLD}</main></body>'"),
        (
            "an element made elsewhere",
            f"const p = new DOMParser().parseFromString('<p>{OLD}', "
            "'text/html').body.firstChild; main.replaceChildren(p)",
        ),
        (
            "an element from a template",
            f"const t = document.createElement('template'); "
            f"t.innerHTML = '<p>{OLD}</p>'; main.replaceChildren(t.content.cloneNode(true))",
        ),
        (
            "a number in two steps",
            "main.innerHTML = '<p>800-</p>'; setTimeout(() => "
            "main.firstChild.append('555-0100'), 50)",
        ),
        (
            "a number in two elements, in two steps",
            "main.innerHTML = '<p><b>800</b></p>'; "
            "setTimeout(() => main.firstChild.insertAdjacentHTML('beforeend', "
            "'-<i>555-0100</i>'), 50)",
        ),
        (
            "digits typed one by one",
            f"const p = main.firstChild; p.textContent = ''; "
            f"[...'{OLD}'].forEach((c, i) => setTimeout(() => p.textContent += c, i * 5))",
        ),
        (
            "a clone of a swapped element",
            "main.append(main.firstChild.cloneNode(true)); main.firstChild.remove()",
        ),
        (
            "an element that left and came back",
            "const p = main.firstChild; p.remove(); "
            f"p.textContent = '{OLD}'; setTimeout(() => main.append(p), 50)",
        ),
        (
            "an element that was in an editor",
            f"main.innerHTML = '<p contenteditable>{OLD}</p>'; "
            "setTimeout(() => main.innerHTML = main.textContent, 50)",
        ),
    ],
)
def test_change(site: Site, what: str, script: str) -> None:
    """Swapped when a script adds or changes {what}."""
    view = swapped(site)
    view.change(script)
    view.shows(NEW).settles()
    assert view.text() == NEW
    assert site.account.asked() == [TARGET]


@pytest.mark.parametrize(
    ("name", "element", "before", "after"),
    [
        ("title", "p", OLD, NEW),
        ("aria-label", "p", f"Call {OLD}", f"Call {NEW}"),
        ("href", "a", "tel:8005550100", "tel:+18888695345"),
        ("placeholder", "input", OLD, NEW),
        ("alt", "img", OLD, NEW),
    ],
)
def test_attribute(site: Site, name: str, element: str, before: str, after: str) -> None:
    """Swapped when a script sets the attribute {name}."""
    view = site.open(f"<p>{OLD}</p><{element} id=it></{element}>").shows(NEW)
    view.run("([name, value]) => it.setAttribute(name, value)", [name, before])
    view.becomes(after, "name => it.getAttribute(name)", name)


def test_text_beside_an_attribute(site: Site) -> None:
    """Swapped when a script sets the text of an element whose attribute was swapped."""
    view = site.open(f'<p id=it title="{OLD}">{OLD}</p>').shows(NEW)
    view.becomes(NEW, "() => it.title")
    view.change(f"it.textContent = '{OLD}'")
    view.shows(NEW)


def test_many(site: Site) -> None:
    """A thousand elements added at once are all swapped."""
    view = swapped(site)
    view.change(f"main.innerHTML = '<p>Call {OLD}</p>'.repeat(1000)")
    view.shows(f"Call {NEW}" * 1000)


def test_late_target(site: Site) -> None:
    """A target that turns up later is asked for then, once, and the first isn't asked for again."""
    site.offers(Pool(TARGET, NUMBER), Pool(SUPPORT, SUPPORT_NUMBER, id="support"))
    view = swapped(site)
    assert site.account.asked() == [TARGET]
    view.change(f"main.innerHTML = '{OLD} or 800-555-0177'")
    view.shows(f"{NEW} or 877-700-1234")
    view.change("main.innerHTML += ', 800-555-0177'")
    view.shows(f"{NEW} or 877-700-1234, 877-700-1234").settles()
    assert site.account.asked() == [TARGET, SUPPORT]


def test_written_back(site: Site) -> None:
    """A framework that writes the old number back gets it swapped again."""
    view = swapped(site)
    for _ in range(2):
        view.change(f"main.firstChild.firstChild.data = '{OLD}'")
        view.shows(NEW)


@pytest.mark.parametrize(
    ("where", "read", "write", "printed"),
    [
        ("a text", "it.firstChild.data", "it.firstChild.data = printed", OLD),
        (
            "a link's address",
            "it.getAttribute('href')",
            "it.setAttribute('href', printed)",
            "tel:8005550100",
        ),
    ],
)
def test_written_back_over_and_over(
    site: Site, where: str, read: str, write: str, printed: str
) -> None:
    """A script that keeps writing the old number back into {where} wins after a few rounds."""
    view = site.open(f'<a id=it href="tel:8005550100">{OLD}</a>').shows(NEW)
    view.becomes("tel:+18888695345", "() => it.getAttribute('href')")
    view.run(
        f"""printed => {{
          window.rounds = 0;
          const back = () => {{ if ({read} != printed) {{ rounds++; {write}; }} }};
          new MutationObserver(back)
            .observe(it, {{subtree: true, characterData: true, attributes: true}});
          back();
        }}""",
        printed,
    )
    now, rounds = view.settles().run(f"() => [{read}, rounds]")
    assert now == printed
    assert 1 <= rounds <= 40  # 20, and one more for each tenth of a second that they take
    assert view.settles().run(f"() => [{read}, rounds]") == [printed, rounds]


def test_rendered_over_and_over(site: Site) -> None:
    """A text that a framework renders again every now and then stays swapped."""
    view = swapped(site)
    view.run(
        f"""async () => {{
          const text = document.querySelector('main').firstChild.firstChild;
          for (let left = 30; left; left--) {{
            text.data = 'Call {OLD}, ' + left + ' s left';
            await new Promise(done => setTimeout(done, 120));
          }}
        }}"""
    )
    view.keeps(f"Call {NEW}, 1 s left")


def test_no_echo(site: Site) -> None:
    """The script doesn't react to what it wrote itself: once written, a page stays quiet."""
    record = """
      window.writes = 0;
      new MutationObserver(records => { writes += records.length; }).observe(document,
        {subtree: true, characterData: true, attributes: true, attributeFilter: ['title', 'href']});
    """
    view = site.open(f'<p title="{OLD}">{OLD}</p><a href="tel:8005550100">a</a>', before=[record])
    view.becomes("tel:+18888695345", "() => document.querySelector('a').getAttribute('href')")
    writes = view.settles().run("() => writes")
    assert view.settles().run("() => writes") == writes


def test_selection(site: Site) -> None:
    """What the visitor has selected stays selected."""
    view = swapped(site, f"<p>{OLD}</p>")
    view.change(
        f"""
          main.innerHTML = '<p>Call {OLD} or write to us</p>';
          const text = main.firstChild.firstChild;
          getSelection().setBaseAndExtent(text, 5, text, 17);
        """
    )
    view.shows(f"Call {NEW} or write to us")
    assert view.run("() => String(getSelection())") == NEW


def test_selection_elsewhere(site: Site) -> None:
    """A selection in another text isn't touched, whatever its direction."""
    view = swapped(site, f"<p>{OLD}</p>")
    view.change(
        f"""
          main.insertAdjacentHTML('beforeend', '<p>some words</p>');
          const text = main.lastChild.firstChild;
          getSelection().setBaseAndExtent(text, 8, text, 2);
          main.firstChild.firstChild.data = '{OLD}';
        """
    )
    view.shows(f"{NEW}some words")
    assert view.run(
        "() => [String(getSelection()), getSelection().anchorOffset, getSelection().focusOffset]"
    ) == ["me wor", 8, 2]


def test_caret(site: Site) -> None:
    """Focus and caret of a field stay where the visitor is typing."""
    view = swapped(site, f"<p>{OLD}</p>")
    view.change(
        f"""
          main.insertAdjacentHTML('beforeend', '<input id=field>');
          field.value = 'my number is {OLD}';
          field.focus();
          field.setSelectionRange(3, 9);
          main.firstChild.firstChild.data = '{OLD}';
        """
    )
    view.shows(NEW)
    assert view.run(
        "() => [document.activeElement.id, field.selectionStart, field.selectionEnd, field.value]"
    ) == ["field", 3, 9, f"my number is {OLD}"]


def test_typing_in_an_editor(site: Site) -> None:
    """A number that the visitor types into an editor stays as typed, and so does the caret."""
    view = site.open(f"<p>{OLD}</p><div id=editor contenteditable></div>").shows(NEW)
    view.click("#editor")
    view.type(f"Call {OLD}!")
    view.keeps(f"Call {OLD}!", "#editor")
    assert view.run("() => getSelection().focusOffset") == len(f"Call {OLD}!")


def test_while_parsing(site: Site) -> None:
    """A page that is still loading is swapped as it comes, not only when it is done."""
    slow = f"/{site.account.id}/slow.js"
    site.service.pages[slow] = Page(b"", "text/javascript", after_seconds=1.0)
    body = f'<p id=first>{OLD}</p><script src="{slow}"></script><p id=last>{OLD}</p>'
    path = site.serve(body, tag=site.tag().replace("async ", ""))
    view = site.tab().goes_to(site.at(path), until="commit").shows(NEW, "#first")
    assert view.run("() => document.readyState + Boolean(window.last)") == "loadingfalse"
    view.shows(NEW, "#last")
