"""The Google Tag Manager template has the form that Tag Manager imports, and loads the script."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.pages.tag_options import NAMES, tag_options
from tests.snippet.conformance.site import NEW, OLD, SHOP, Site
from tests.snippet.packages.gtm import template

SETTINGS = {"service": "https://numbers.example", "account": "acme", "consent": "mode"}


def test_sections() -> None:
    """All sections are there, in the order that Tag Manager writes them in, after its terms."""
    assert list(template.sections()) == [
        "TERMS_OF_SERVICE",
        "INFO",
        "TEMPLATE_PARAMETERS",
        "SANDBOXED_JS_FOR_WEB_TEMPLATE",
        "WEB_PERMISSIONS",
        "TESTS",
        "NOTES",
    ]


def test_info() -> None:
    """It is a tag for web containers, with a name and a description of at most 200 characters."""
    info = template.read("INFO")
    assert info["type"] == "TAG"
    assert info["containerContexts"] == ["WEB"]
    assert info["id"] == "cvt_temp_public_id"
    assert info["displayName"] == "Ringpool"
    assert 0 < len(info["description"]) <= 200


def test_fields() -> None:
    """Each has a name of its own, a type that there is, a label; its checks are patterns."""
    fields = template.fields()
    names = [field["name"] for field in fields]
    assert len(set(names)) == len(names)
    for field in fields:
        assert field["type"] in {"TEXT", "SELECT", "RADIO", "CHECKBOX"}
        assert field.get("displayName") or field.get("checkboxText")
        for check in field.get("valueValidators", []):
            assert check["type"] in {"NON_EMPTY", "REGEX"}
            for pattern in check.get("args", []):
                re.compile(pattern)


def test_the_code_reads_every_field_and_no_other() -> None:
    """What can be filled in has an effect."""
    code = template.sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
    read = set(re.findall(r"data\.(\w+)", code)) | set(re.findall(r"\['(\w+)', 'data-", code))
    named = {field["name"] for field in template.fields()}
    assert read - {"gtmOnSuccess", "gtmOnFailure"} == named


def test_every_attribute_that_an_address_may_carry_has_a_field() -> None:
    """The template can say all that the service takes."""
    code = template.sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
    assert set(re.findall(r"data-[a-z-]+[a-z]", code)) == set(NAMES)


def test_permissions_are_those_that_the_code_needs() -> None:
    """No more than loading scripts, the script's queue, reading consent, and the debug console."""
    assert template.permissions() == {
        "inject_script": ["https://*/*"],
        "access_globals": {
            "ringpool": {"read": True, "write": True, "execute": True},
            "ringpool.q": {"read": True, "write": True, "execute": False},
        },
        "access_consent": {
            kind: {"read": True, "write": False} for kind in ("ad_storage", "analytics_storage")
        },
        "logging": "debug",
    }


@pytest.mark.parametrize("scenario", template.scenarios()[1], ids=lambda scenario: scenario["name"])
def test_the_template_s_own_tests(scenario: dict[str, str]) -> None:
    """Each passes, in the language of the sandbox and within the template's permissions."""
    setup, _ = template.scenarios()
    told = template.run(setup=setup, test=scenario["code"])
    assert told["error"] is None
    assert told["calls"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("const x = /a/;", "not in the sandbox: Literal"),
        ("const x = new Object();", "not in the sandbox: NewExpression"),
        ("require('sendPixel');", "there is no API sendPixel"),
        ("require('callInWindow')('alert');", "no permission: access_globals execute,alert"),
        ("require('injectScript')('http://numbers.example/dni.js');", "no permission: inject"),
        ("document.title;", "document is not defined"),
    ],
)
def test_the_stand_ins_refuse_what_the_sandbox_refuses(code: str, error: str) -> None:
    """A template that breaks the rules doesn't pass here either."""
    assert error in template.run(code=code)["error"]


def test_failing_tests_fail() -> None:
    """A wrong expectation of the template's own tests is told."""
    setup, _ = template.scenarios()
    told = template.run(setup=setup, test="runCode(settings); assertThat(loaded).isEqualTo([]);")
    assert "isn't []" in told["error"]


def test_the_service_takes_the_address() -> None:
    """Fields with everything filled in become options that the service reads as they were meant."""
    given = {
        "format": "e164",
        "targets": "+18005550100,+442071838750",
        "selector": "a[href^='tel:'] > b",
        "hideUntil": ".phone & #x",
        "show": ".a",
        "hide": ".b",
        "invisible": ".c",
        "params": "section=footer&path=/é",
        "cookies": "_ga,_fbp",
        "days": "7",
        "timeout": "900",
    }
    switches = {"clickToCall": True, "jsonld": True, "debug": True}
    settings = {**SETTINGS, "service": "https://n.example/numbers/", "consent": "required"}
    address = urlsplit(template.injected({**settings, **given, **switches}))
    assert (
        f"{address.scheme}://{address.netloc}{address.path}" == "https://n.example/numbers/dni.js"
    )
    query = dict(parse_qsl(address.query, keep_blank_values=True, strict_parsing=True))
    assert query["account"] == "acme"
    assert tag_options(query) == {
        **given,
        **dict.fromkeys(switches, ""),
        "consent": "required",
    }


def test_a_page_with_the_template_is_swapped(site: Site) -> None:
    """The address that it makes loads the script in a real browser, with its attributes."""
    data = {"account": site.account.id, "timeout": "20000", "selector": ".any", "format": "e164"}
    address = urlsplit(template.injected({**SETTINGS, **data}))
    view = site.open('<p id="a">800-555-0100</p><p class="any">555-0000</p>', tag="")
    view.keeps(OLD, "#a")
    # As Tag Manager injects it: by its address, without an attribute.
    view.inject(site.service.at("dni.localhost", f"{address.path}?{address.query}"))
    view.shows("+18888695345", "#a")


def test_consent_is_told_to_the_real_script(site: Site) -> None:
    """Told as the template tells it, before the script and after, the script keeps nothing."""
    view = site.open(OLD, tag="")
    # createArgumentsQueue, then callInWindow
    view.run(
        """() => {
          window.ringpool = function () { ringpool.q.push(arguments); };
          ringpool.q = [];
          ringpool('consent', false);
        }"""
    )
    view.inject(site.script)
    view.shows(NEW)
    assert site.cookies() == []
    view.run("() => ringpool('consent', true)")
    view.becomes(True, "() => document.cookie.includes('rp_')")
    view.run("() => ringpool('consent', false)")
    view.becomes(False, "() => document.cookie.includes('rp_')")
    assert SHOP in view.url
