"""What is weak in how a store of one's own is set up, for ``ringpool doctor``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allocator.redis.report import ServerReport
from allocator.redis.url import answers_anyone, is_encrypted
from ringpool.findings import Finding

_OLDEST_REDIS = 7
_MUCH = 0.8
"""The part of its memory that a store may use before it is warned of."""
_SECONDS = 2.0
_GUIDE = "docs/security/hardening.md#the-store"


async def store_findings(reports: Sequence[ServerReport], url: str | None) -> list[Finding]:
    """Return what is right and what is weak. ``url``: None: the store is the embedded one.

    What is so of some servers only names these.
    """
    found: dict[Finding, list[str]] = {}
    for report in reports:
        findings = [*_of_server(report, embedded=url is None)]
        if url is not None and report.address is not None:
            findings += await _of_access(report, report.address, url)
        for finding in findings:
            found.setdefault(finding, []).append(_name(report))
    return [
        finding
        if len(names) == len(reports)
        else Finding(finding.level, finding.subject, f"{finding.message} ({', '.join(names)})")
        for finding, names in found.items()
    ]


def _name(report: ServerReport) -> str:
    return "" if report.address is None else f"{report.address[0]}:{report.address[1]}"


def _of_server(report: ServerReport, *, embedded: bool) -> Iterator[Finding]:
    info = report.info
    valkey = info.get("valkey_version")
    redis = info.get("redis_version", "0")
    name = f"Valkey {valkey}" if valkey else f"Redis {redis}"
    if int(redis.split(".")[0]) < _OLDEST_REDIS:
        yield Finding("fail", "store version", f"{name}: {_OLDEST_REDIS}.0 or newer is needed")
    else:
        yield Finding("ok", "store version", name)
    if embedded:
        yield Finding("ok", "append-only file", "on, and written to the disk all the time")
    else:
        yield _persistence(report)
    yield _eviction(report)
    yield from _memory(report)


def _persistence(report: ServerReport) -> Finding:
    name, asked = "append-only file", report.configuration
    if report.info.get("aof_enabled") != "1":
        if asked is None:
            kept = "a restart of the store loses what came since its last snapshot, if it makes any"
        elif asked.get("save"):
            kept = f"snapshots alone (save {asked['save']}): a restart loses what came since"
        else:
            kept = "and there are no snapshots: a restart of the store loses everything"
        return Finding("warn", name, f"off, {kept}, and breaks guarantees: set appendonly yes")
    if asked is None:
        message = "on; appendfsync couldn't be asked, as this user may not: have it everysec"
        return Finding("ok", name, f"{message} or always")
    sync = asked.get("appendfsync", "everysec")
    if sync == "no":
        message = "appendfsync no: a power cut loses all that the system hadn't written yet, often"
        return Finding("warn", name, f"{message} half a minute: set everysec, or always")
    lost = "nothing" if sync == "always" else "a second or two at most"
    return Finding("ok", name, f"on, appendfsync {sync}: a power cut loses {lost}")


def _eviction(report: ServerReport) -> Finding:
    name, policy = "maxmemory-policy", report.info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return Finding("ok", name, "nothing is deleted")
    if report.info.get("maxmemory", "0") != "0":
        message = f"{policy} deletes assignments when memory is full: use noeviction"
        return Finding("fail", name, message)
    message = f"{policy} would delete assignments as soon as a maxmemory is set: use noeviction"
    return Finding("warn", name, message)


def _memory(report: ServerReport) -> Iterator[Finding]:
    info = report.info
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    limit = "maxmemory" if most else "the machine's memory"
    most = most or int(info.get("total_system_memory", 0))
    if most and used > _MUCH * most:
        message = f"{used >> 20} MB of {most >> 20} MB ({limit}) are used: when it is full nothing"
        yield Finding("warn", "memory", f"{message} new is given; give the store more")


async def _of_access(report: ServerReport, address: tuple[str, int], url: str) -> list[Finding]:
    """What is weak in who can reach a server, and in what they can do."""
    findings = []
    if not report.is_near:
        if not is_encrypted(url):
            message = "what the service and the store say, the password too, crosses the network"
            findings.append(
                Finding("warn", "store TLS", f"{message} readable: use rediss://, {_GUIDE}")
            )
        if await answers_anyone(url, address, _SECONDS):
            message = "whoever reaches it may read and change everything, without a password: give"
            findings.append(Finding("warn", "store password", f"{message} it users, {_GUIDE}"))
    if report.configuration is None:
        findings.append(Finding("ok", "store user", "may not change how the store is set up"))
    else:
        message = (
            "may run CONFIG and every other command, and so may who gets hold of its URL: make"
        )
        findings.append(
            Finding("warn", "store user", f"{message} one that may only work, {_GUIDE}")
        )
    return findings
