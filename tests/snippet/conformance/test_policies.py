"""Pages with strict policies, and the ways to load the script."""

from __future__ import annotations

import html

import pytest

from snippet import bundle
from tests.snippet.conformance.site import NEW, NUMBER, OLD, SERVICE, SHOP, Site
from tests.snippet.conformance.view import View

BODY = f'<p>{OLD}</p><a id=it href="tel:8005550100">Call</a>'
_NOTE_VIOLATIONS = """
  window.violations = [];
  document.addEventListener('securitypolicyviolation', event => {
    const what = event.violatedDirective + ' ' + event.blockedURI;
    if (!what.startsWith('connect-src')) violations.push(what); // a refused fetch is expected
  });
"""
_MAKE_TAG = "const tag = document.createElement('script'); tag.src = url;"


def works(view: View) -> View:
    """Text and link are swapped."""
    view.shows(NEW, "p").becomes("tel:+18888695345", "() => it.getAttribute('href')")
    return view


def open_under(site: Site, policy: str, body: str = BODY, tag: str | None = None) -> View:
    """A page with a Content Security Policy, which notes what the policy refuses."""
    headers = {"content-security-policy": policy}
    return site.open(body, tag=tag, headers=headers, before=[_NOTE_VIOLATIONS])


def refuses_nothing(view: View) -> None:
    """The policy has let everything through that the script did."""
    assert view.run("() => violations") == []


@pytest.mark.parametrize(
    ("lets_in", "policy", "attributes"),
    [
        (
            "scripts by nonce alone",
            "default-src 'none'; script-src 'nonce-r4nd0m'; base-uri 'none'",
            "nonce=r4nd0m",
        ),
        (
            "scripts by nonce with strict-dynamic",
            "script-src 'nonce-r4nd0m' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
            "nonce=r4nd0m",
        ),
        ("scripts of the service's host", "default-src 'none'; script-src SERVICE", ""),
        (
            "the Trusted Types policy ringpool",
            "require-trusted-types-for 'script'; trusted-types ringpool",
            "",
        ),
    ],
)
def test_nothing_refused(site: Site, lets_in: str, policy: str, attributes: str) -> None:
    """Under a policy that lets in {lets_in} the number is swapped, and nothing is refused."""
    policy = policy.replace("SERVICE", site.service.at(SERVICE))
    refuses_nothing(works(open_under(site, policy, tag=site.tag(attributes))))


def test_host_and_styles(site: Site) -> None:
    """data-hide, data-show and data-hide-until work under a policy without styles."""
    policy = f"default-src 'none'; script-src {site.service.at(SERVICE)}"
    tag = site.tag('data-hide="i" data-show="b" data-hide-until="p"')
    view = open_under(site, policy, f"<p>{OLD}</p><i>hide</i><b>show</b>", tag).shows(NEW, "p")
    view.becomes(
        ["none", "visible"],
        "() => [getComputedStyle(document.querySelector('i')).display,"
        "getComputedStyle(document.querySelector('p')).visibility]",
    )
    refuses_nothing(view)


def test_connections_alone(site: Site) -> None:
    """A policy that allows the one script by its hash and connections to the service."""
    policy = (
        f"default-src 'none'; script-src {site.script.split('?')[0]}; "
        f"connect-src {site.service.at(SERVICE)}"
    )
    works(open_under(site, policy))


def test_trusted_types_without_a_policy(site: Site) -> None:
    """Trusted Types required and no policy allowed: the number comes by fetch."""
    policy = "require-trusted-types-for 'script'; trusted-types 'none'"
    works(open_under(site, policy))


def test_trusted_types_with_two_tags(site: Site) -> None:
    """Two tags under Trusted Types, where a policy's name can be taken only once."""
    policy = "require-trusted-types-for 'script'; trusted-types ringpool"
    works(open_under(site, policy, tag=site.tag() + site.tag()))


def test_everything_forbidden(site: Site) -> None:
    """A policy that lets nothing through but the script: the printed number stays, no error."""
    policy = (
        f"default-src 'none'; script-src {site.script.split('?')[0]}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    open_under(site, policy).keeps(OLD, "p")


@pytest.mark.parametrize("sources", ["*", "'none'"])
def test_no_referrer(site: Site, sources: str) -> None:
    """A page that sends no referrer still names its origin (connect-src {sources})."""
    view = site.open(
        BODY,
        head="<meta name=referrer content=no-referrer>",
        headers={"content-security-policy": f"connect-src {sources}"},
    )
    works(view)
    calls = site.account.requests("/v1/swap")
    assert [(call.referer, call.origin) for call in calls] == [("", site.service.at(SHOP))]


def pinned(site: Site, attributes: str = "") -> str:
    """The tag with an SRI hash, its settings in an attribute."""
    endpoint = site.service.at(SERVICE)
    settings = bundle.pinned_settings(site.account.settings(endpoint))
    return (
        f'<script async src="{endpoint}/dni/{bundle.VERSION}/dni.js" '
        f'integrity="{bundle.INTEGRITY}" crossorigin=anonymous {attributes} '
        f'data-settings="{html.escape(settings)}"></script>'
    )


def test_integrity(site: Site) -> None:
    """The pinned script with its SRI hash finds its settings in the tag."""
    works(site.open(BODY, tag=pinned(site)))


def test_integrity_with_policies(site: Site) -> None:
    """The pinned script under a nonce policy and Trusted Types at once."""
    policy = (
        "default-src 'none'; script-src 'nonce-r4nd0m'; "
        "require-trusted-types-for 'script'; trusted-types ringpool"
    )
    refuses_nothing(works(open_under(site, policy, tag=pinned(site, "nonce=r4nd0m"))))


def test_integrity_of_other_bytes(site: Site) -> None:
    """A pinned script that was tampered with doesn't run."""
    tag = pinned(site).replace(bundle.INTEGRITY, "sha384-" + "A" * 64)
    site.open(BODY, tag=tag).keeps(OLD, "p")
    assert site.account.calls == []


@pytest.mark.parametrize("how", ["async", "defer", 'type="text/javascript"'])
def test_loading(site: Site, how: str) -> None:
    """A tag in the head with {how} works."""
    works(site.open(BODY, tag=f'<script {how} src="{site.script}"></script>'))


def test_end_of_body(site: Site) -> None:
    """A tag at the end of the body works."""
    works(site.open(f'{BODY}<script src="{site.script}"></script>', tag=""))


@pytest.mark.parametrize(
    ("how", "insert"),
    [
        ("long after the page loaded", "document.head.insertBefore(tag, document.head.firstChild)"),
        ("and removes at once", "document.head.appendChild(tag).remove()"),
    ],
)
def test_injected(site: Site, how: str, insert: str) -> None:
    """A tag that a tag manager's script injects {how} works."""
    view = site.open(BODY, tag="").settles()
    view.run(f"url => {{ {_MAKE_TAG} {insert} }}", site.script)
    works(view)


def test_injected_with_attributes(site: Site) -> None:
    """A tag that a tag manager's script injects has the attributes that are set there."""
    view = site.open(BODY, tag="").settles()
    attribute = "tag.setAttribute('data-format', 'e164')"
    view.run(f"url => {{ {_MAKE_TAG} {attribute}; document.head.appendChild(tag) }}", site.script)
    view.shows(NUMBER, "p")


def test_module_import(site: Site) -> None:
    """The script imported as a module, where document.currentScript is null."""
    works(site.open(f"{BODY}<script type=module>import '{site.script}'</script>", tag=""))


def test_own_path(site: Site) -> None:
    """Served through the site's own reverse proxy under any path, it asks there."""
    src = site.at(f"/proxied/dni.js?account={site.account.id}")
    works(site.open(BODY, tag=site.tag(src=src)))
    assert "shop.localhost" in site.account.requests("/v1/swap")[0].referer


def test_no_globals(site: Site) -> None:
    """The page gets one new global name, and its prototypes none."""
    note = """
      window.known = new Set(Object.getOwnPropertyNames(window));
      window.shapes = () => [Array, String, Object, Function, Node, Element, History, Map]
        .map(type => Object.getOwnPropertyNames(type.prototype).length).join();
      window.before = shapes();
    """
    view = site.open(BODY, before=[note])
    works(view)
    added = view.settles().run(
        "() => Object.getOwnPropertyNames(window).filter(name => !known.has(name))"
    )
    assert set(added) - {"known", "shapes", "before", "it", "0"} <= {"ringpool", "dataLayer"}
    assert view.run("() => before == shapes()")


def test_quirks(site: Site) -> None:
    """A page whose prototypes and globals other scripts have changed works."""
    odd = """
      Array.prototype.last = function () { return this[this.length - 1]; };
      Object.prototype.extra = 1;
      Array.from = undefined;
      window.Prototype = {};
    """
    works(site.open(BODY, before=[odd]))
