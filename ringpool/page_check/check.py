"""Checks one page: looks at it, asks its service, and says what becomes of each number and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from ringpool.findings import Finding
from ringpool.page_check import browser, found_targets, html, policy, service, tag
from ringpool.page_check.found_targets import TargetReport
from ringpool.page_check.look import Look
from ringpool.page_check.occurrences import Target
from ringpool.page_check.tag import Tag

NOWHERE = "http://localhost/"
"""Where a file is looked at when nobody says where it will be. Its origin isn't checked."""


class PageReport(Struct, frozen=True, kw_only=True):
    """All that was found out about a page.

    ``looked_with``: the browser, or ``HTML alone``. ``version``: the service's. ``pinned``: the
    tag's own version, "" when it has none.
    """

    page: str
    looked_with: str
    tag: str = ""
    account: str = ""
    version: str = ""
    pinned: str = ""
    targets: list[TargetReport] = []
    findings: list[Finding]

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong; warnings may be there."""
        return all(finding.level != "fail" for finding in self.findings)


def check_page(
    url: str, body: bytes | None, *, executable: str | None, use_browser: bool
) -> PageReport:
    """Check the page at ``url``; ``body``: its HTML, when it isn't to be fetched from there.

    ``executable``: the browser to use; None: the first one found. Raises CannotLook.
    """
    findings: list[Finding] = []
    look: Look | None = None
    if use_browser:
        try:
            look = browser.look(url, body, executable)
        except browser.NoBrowser as error:
            message = f"{error}; without a browser the HTML alone was read, and no script ran"
            findings.append(Finding("warn", "browser", message))
    look = look or html.look(url, body)
    looked_with = look.browser or "HTML alone"
    where = "a file" if url == NOWHERE else look.url
    findings.insert(0, Finding("ok", "page", f"{where}, looked at with {looked_with}"))
    report = PageReport(page=where, looked_with=looked_with, findings=findings)
    found = tag.tags(look.page, look.url) or _requested(look)
    if not found:
        findings.append(_no_tag(look))
        return report
    return _with_tag(report, look, found, "" if url == NOWHERE else _origin(look.url))


def _with_tag(report: PageReport, look: Look, found: list[Tag], origin: str) -> PageReport:
    first = found[0]
    findings = report.findings
    findings.append(Finding("ok", "tag", f"loads {first.url}"))
    if len(found) > 1:
        message = f"{len(found)} on the page: only the first one to load does anything"
        findings.append(Finding("warn", "tag", message))
    answer = service.ask(first, origin)
    settings = answer.settings or first.settings or {}
    known = found_targets.targets_of(settings)
    findings += tag.check(first, look.url, [target.number for target in known])
    findings += answer.findings
    findings += policy.check(policy.policies(look.headers, look.page), first, look.url)
    findings += _check_run(look)
    findings += _check_consent(look, first, known)
    result = found_targets.look_for(look, first, known)
    if settings:
        findings += found_targets.check(result, look)
    return PageReport(
        page=report.page,
        looked_with=report.looked_with,
        tag=first.url,
        account=first.account,
        version=str(settings.get("v", "")) if answer.settings else "",
        pinned=first.version,
        targets=result.targets,
        findings=findings,
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _requested(look: Look) -> list[Tag]:
    """Tags that a loader has added and taken away again."""
    read = (tag.read(address, {}) for address in look.requested)
    return [found for found in read if found is not None]


def _no_tag(look: Look) -> Finding:
    message = "none: no <script> with a src that ends in dni.js; `ringpool snippet` prints it"
    if not look.browser:
        message += ". A tag that a tag manager adds can only be seen with a browser"
    return Finding("fail", "tag", message)


def _check_run(look: Look) -> Iterator[Finding]:
    if look.browser and not look.ran:
        yield Finding("fail", "script", "it didn't start in the browser")
    elif look.browser:
        yield Finding("ok", "script", "started; made-up numbers were swapped in (a test run)")
    for complaint in look.complaints:
        yield Finding("warn", "script", complaint)


def _check_consent(look: Look, first: Tag, targets: Sequence[Target]) -> Iterator[Finding]:
    pools = ", ".join(
        sorted({pool for target in targets if target.visitor for pool in target.pools})
    )
    waits = f"; pools of type visitor ({pools}) wait for it" if pools else ""
    denied = [
        name for name in ("ad_storage", "analytics_storage") if look.consent.get(name) == "denied"
    ]
    if first.option("consent") == "required":
        message = f"required: nothing is stored before ringpool('consent', true){waits}"
    elif denied:
        message = f"Google Consent Mode denies {' and '.join(denied)}: nothing is stored{waits}"
    else:
        message = (
            "not asked for: a cookie of the site keeps where the visitor came from, and a random "
            "id, unless Google Consent Mode or Global Privacy Control denies it"
        )
    yield Finding("ok", "consent", message)
