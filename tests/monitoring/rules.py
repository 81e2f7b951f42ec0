"""The alert rules, and promtool, Prometheus' own program to test them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.servers.programs import program

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "k8s" / "monitoring"

Series = dict[str, list[float | None]]
"""Samples a minute apart by series, as ``name{label="value"}``; None where there is none."""


@cache
def groups() -> list[dict[str, Any]]:
    """What stands under ``spec`` of the PrometheusRule: the content of a rules file."""
    found: list[dict[str, Any]] = yaml.safe_load(
        (MONITORING / "prometheus-rule.yaml").read_text("utf-8")
    )["spec"]["groups"]
    return found


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def write_rules(folder: Path) -> Path:
    """The rules as a file for Prometheus."""
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups()}), "utf-8")
    return path


def check(folder: Path, tests: list[dict[str, Any]]) -> None:
    """Have promtool run tests of the rules; fails with what it says."""
    rules = write_rules(folder)
    path = folder / "tests.yaml"
    document = {"rule_files": [str(rules)], "evaluation_interval": "30s", "tests": tests}
    path.write_text(yaml.safe_dump(document), "utf-8")
    ran = subprocess.run(
        [program("promtool"), "test", "rules", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]


def case(name: str, series: Series, firing: dict[int, list[str]]) -> dict[str, Any]:
    """A test of promtool's: which alerts fire at which minutes, by ``{labels}`` without severity.

    All others must not.
    """
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {"series": each, "values": " ".join(map(_written, values))}
            for each, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": 'sum without (severity, alertstate) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": labels, "value": 1} for labels in sorted(expected)],
            }
            for minute, expected in firing.items()
        ],
    }


def _written(value: float | None) -> str:
    if value is None:
        return "_"
    return "Inf" if value == float("inf") else repr(value)
