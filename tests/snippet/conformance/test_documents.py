"""Shadow trees and frames."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.site import NEW, OLD, PLAIN_HTTP, TARGET, Site

_SHADOW_TEXT = "s => document.querySelector(s).shadowRoot.textContent.trim()"
_FRAME_TEXT = "s => document.querySelector(s).contentDocument.body?.textContent.trim()"


def test_declared_shadow(site: Site) -> None:
    """An open shadow root written in HTML is swapped."""
    view = site.open(f"<x-a id=it><template shadowrootmode=open><p>{OLD}</p></template></x-a>")
    view.becomes(NEW, _SHADOW_TEXT, "#it")
    assert site.account.asked() == [TARGET]


def test_shadow_before(site: Site) -> None:
    """An open shadow root that stood before the script is swapped."""
    view = site.open(
        "<x-a id=it></x-a><script>it.attachShadow({mode: 'open'}).innerHTML = "
        f"'<p>{OLD}</p>'</script>"
    )
    view.becomes(NEW, _SHADOW_TEXT, "#it")


def test_shadow_added(site: Site) -> None:
    """An element added later with an open shadow root is swapped inside."""
    view = site.open(f"<p>{OLD}</p>").shows(NEW)
    view.run(
        f"""() => {{
          const host = document.createElement('x-b');
          host.id = 'it';
          host.attachShadow({{mode: 'open'}}).innerHTML = '<p>{OLD}</p>';
          document.body.append(host);
        }}"""
    )
    view.becomes(NEW, _SHADOW_TEXT, "#it")


def test_custom_element(site: Site) -> None:
    """A custom element that renders into its shadow root when connected is swapped."""
    view = site.open(f"<p>{OLD}</p>").shows(NEW)
    view.run(
        f"""() => {{
          customElements.define('x-phone', class extends HTMLElement {{
            connectedCallback() {{
              this.attachShadow({{mode: 'open'}}).innerHTML = '<b>{OLD}</b>';
            }}
          }});
          document.body.insertAdjacentHTML('beforeend', '<x-phone id=it></x-phone>');
        }}"""
    )
    view.becomes(NEW, _SHADOW_TEXT, "#it")


def test_custom_element_upgraded_later(site: Site) -> None:
    """A custom element whose definition loads after the first swap is swapped."""
    view = site.open(f"<p>{OLD}</p><x-phone id=it></x-phone>").shows(NEW)
    view.run(
        f"""() => customElements.define('x-phone', class extends HTMLElement {{
          connectedCallback() {{
            this.attachShadow({{mode: 'open'}}).innerHTML = '<b>{OLD}</b>';
          }}
        }})"""
    )
    view.becomes(NEW, _SHADOW_TEXT, "#it")


def test_change_in_shadow(site: Site) -> None:
    """A change inside a shadow root is swapped."""
    view = site.open("<x-a id=it><template shadowrootmode=open><p>Hello</p></template></x-a>")
    view.settles().run(f"() => {{ it.shadowRoot.innerHTML = '<i>{OLD}</i>' }}")
    view.becomes(NEW, _SHADOW_TEXT, "#it")


def test_nested_shadow(site: Site) -> None:
    """A shadow root inside a shadow root is swapped."""
    view = site.open(
        "<x-a id=it><template shadowrootmode=open><x-b><template shadowrootmode=open>"
        f"<p>{OLD}</p></template></x-b></template></x-a>"
    )
    view.becomes(NEW, "() => it.shadowRoot.querySelector('x-b').shadowRoot.textContent.trim()")


def test_slotted(site: Site) -> None:
    """Text that a shadow tree shows in a slot is swapped where it stands."""
    view = site.open(f"<x-a><template shadowrootmode=open><slot></slot></template>{OLD}</x-a>")
    view.shows(NEW, "x-a")


def test_closed_shadow(site: Site) -> None:
    """A closed shadow root is out of reach and stays, and its target isn't asked for."""
    view = site.open(
        "<x-a id=it></x-a><script>window.root = it.attachShadow({mode: 'closed'});"
        f"root.innerHTML = '<p>{OLD}</p>'</script>"
    ).settles()
    assert view.run("() => root.textContent") == OLD
    assert site.account.asked() == []


def test_closed_shadow_later(site: Site) -> None:
    """A closed shadow root that is made later stays, too: nothing could restore it."""
    view = site.open(f"<p>{OLD}</p>").shows(NEW)
    view.run(
        f"""() => {{
          const host = document.body.appendChild(document.createElement('x-c'));
          window.root = host.attachShadow({{mode: 'closed'}});
          root.innerHTML = '<p>{OLD}</p>';
        }}"""
    )
    assert view.settles().run("() => root.textContent") == OLD


def test_attributes_in_noswap(site: Site) -> None:
    """Attributes in the shadow root of an element in data-rp-noswap stay."""
    html = f'<a href="tel:8005550100" title="{OLD}">a</a>'
    view = site.open(
        f"<p>{OLD}</p><div data-rp-noswap><x-a id=it><template shadowrootmode=open>{html}"
        "</template></x-a></div>"
    ).shows(NEW, "main > p")
    assert view.settles().run("() => it.shadowRoot.innerHTML") == html


def test_shadow_in_noswap(site: Site) -> None:
    """The shadow root of an element in data-rp-noswap stays, when it changes too."""
    view = site.open(
        f"<p>{OLD}</p><div data-rp-noswap><x-a id=it><template shadowrootmode=open><p>{OLD}</p>"
        "</template></x-a></div>"
    ).shows(NEW, "main > p")
    view.run(f"() => {{ it.shadowRoot.innerHTML = '<b>{OLD}</b>' }}")
    view.settles()
    assert view.run(_SHADOW_TEXT, "#it") == OLD


def test_srcdoc(site: Site) -> None:
    """A frame written in the page is swapped."""
    view = site.open(f'<iframe id=it srcdoc="<p>{OLD}</p>"></iframe>')
    view.becomes(NEW, _FRAME_TEXT, "#it")
    assert site.account.asked() == [TARGET]


def test_frame(site: Site) -> None:
    """A frame of the same origin is swapped, and stays so when it shows another page."""
    first = site.serve(f"<p>{OLD}</p>", path="/first", tag="")
    second = site.serve(f"<p>Tel. {OLD}</p>", path="/second", tag="")
    view = site.open(f'<iframe id=it src="{first}"></iframe>')
    view.becomes(NEW, _FRAME_TEXT, "#it")
    view.run("url => { it.src = url }", second)
    view.becomes(f"Tel. {NEW}", _FRAME_TEXT, "#it")


def test_frame_added(site: Site) -> None:
    """A frame added later, and what a script writes into it, is swapped."""
    view = site.open(f"<p>{OLD}</p>").shows(NEW)
    view.run(
        "() => document.body.append(Object.assign(document.createElement('iframe'), {id: 'it'}))"
    )
    view.settles().run(f"() => {{ it.contentDocument.body.innerHTML = '<p>{OLD}</p>' }}")
    view.becomes(NEW, _FRAME_TEXT, "#it")


def test_shadow_in_a_frame(site: Site) -> None:
    """A shadow root that a script in a frame of the same origin attaches later is swapped."""
    view = site.open(f'<p>{OLD}</p><iframe id=it srcdoc="<x-a></x-a><p>{OLD}</p>"></iframe>')
    view.becomes(NEW, _FRAME_TEXT, "#it")
    view.run(
        f"""() => {{
          const host = it.contentDocument.querySelector('x-a');
          it.contentWindow.eval("(host, html) => {{ host.attachShadow({{mode: 'open'}})"
            + ".innerHTML = html }}")(host, '<b>{OLD}</b>');
        }}"""
    )
    view.becomes(NEW, "() => it.contentDocument.querySelector('x-a').shadowRoot.textContent")


def test_frame_with_the_tag(site: Site) -> None:
    """A frame that has the tag too is swapped once, and both agree."""
    inner = site.serve(f"<p>{OLD}</p>", path="/inner")
    view = site.open(f'<p>{OLD}</p><iframe id=it src="{inner}"></iframe>')
    view.becomes(NEW, _FRAME_TEXT, "#it").shows(NEW, "main > p").settles()
    assert view.run(_FRAME_TEXT, "#it") == NEW


def test_foreign_frame(site: Site) -> None:
    """A frame of another origin stays, without an error."""
    inner = site.serve(f"<p>{OLD}</p>", path="/inner", tag="")
    url = site.service.at(PLAIN_HTTP, inner)
    view = site.open(f'<p>{OLD}</p><iframe src="{url}"></iframe>').shows(NEW, "main > p").settles()
    assert view.frame_text("main") == OLD


@pytest.mark.parametrize("sandbox", ["", "allow-scripts"])
def test_sandboxed_frame(site: Site, sandbox: str) -> None:
    """A sandboxed frame (sandbox="{sandbox}") stays, without an error."""
    view = site.open(
        f'<p>{OLD}</p><iframe sandbox="{sandbox}" srcdoc="<p>{OLD}</p>"></iframe>'
    ).shows(NEW, "main > p")
    view.settles()
    assert view.frame_text("p") == OLD


def test_in_a_foreign_page(site: Site) -> None:
    """A page with the tag works inside another site's frame."""
    inner = site.serve(f"<p>{OLD}</p>", path="/inner")
    url = site.at(inner)
    view = site.open(f'<iframe src="{url}"></iframe>', path="/outer", tag="", host=PLAIN_HTTP)
    view.frame_shows(NEW, "p")
