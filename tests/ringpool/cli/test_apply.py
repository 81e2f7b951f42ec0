"""``ringpool apply``: everything that is wrong with a file is told at once."""

from __future__ import annotations

from tests.ringpool.cli.conftest import Run

OTHER = """
accounts: [{id: acme}]
pools:
  - {id: other, account: acme, parameters: [p], allow_overflow: false, numbers: ["+12126660103"]}
"""

FAULTY = """\
accounts:
  - id: acme
    name: Acme
    name: Acme Incorporated
pools:
  - id: schema
    account: acme
    parameters: [p]
    min_duration: soon
    numbers: ["+12126660101", "nonsense"]
    allow_overflow: false
  - id: rules
    account: acme
    parameters: [p, p]
    numbers:
      - "+12126660102"
      - "+12126660101"
    allow_overflow: false
  - id: references
    account: nobody
    parameters: [p]
    numbers: ["+12126660103"]
    allow_overflow: false
  - id: owner
    acount: acme
    parameters: [p]
    numbers: ["+12126660103"]
    stock: none
staff: []
"""


def test_all_faults_are_told_at_once(run: Run) -> None:
    """Those of the text, of types, rules, references, and what only the store knows."""
    assert run("apply", "-", stdin=OTHER).exit_code == 0
    refused = run("apply", "-", "--revision", "0", stdin=FAULTY)
    assert (refused.exit_code, refused.stdout) == (1, "")
    taken = "+12126660103 belongs to pool other: remove it there first, then apply again"
    span = "write a number and one of s m h d w y"
    known = "accounts, pools, stocks"
    lines = [line for line in refused.stderr.splitlines() if "acount" not in line]
    assert lines == [
        "revision: it is 1 by now, not 0: another change was faster",
        "line 4, column 5: the key 'name' stands here twice",
        f"staff: unknown key; known are {known} (<stdin>:29)",
        f"pools[0].min_duration: 'soon' is not a duration: {span} (<stdin>:9)",
        "pools[0].numbers[1]: 'nonsense' is not a phone number (<stdin>:10)",
        "pools[1].parameters[1]: p is there already (case doesn't matter) (<stdin>:14)",
        "pools[1].numbers[1]: +12126660101 is pools[0].numbers[0] already (<stdin>:17)",
        "pools[2].account: there is no account nobody (<stdin>:20)",
        f"pools[2].numbers[0]: {taken} (<stdin>:22)",
        "pools[3].account: missing (<stdin>:24)",
        "pools[3].stock: there is no stock none (<stdin>:28)",
        "pools[3].numbers[0]: +12126660103 is pools[2].numbers[0] already (<stdin>:27)",
    ]
    (misspelt,) = [line for line in refused.stderr.splitlines() if "acount" in line]
    assert misspelt.startswith("pools[3].acount: unknown key; known are id, account, ")
    assert misspelt.endswith(" (<stdin>:25)")
    assert "schema" not in run("export").stdout


def test_a_hundred_faults_are_told_one_by_one(run: Run) -> None:
    """Of the others how many there are; where too many are looked for, how many at least."""
    for count, rest in ((150, "… and 50 more"), (1200, "… and 901 more, at least")):
        numbers = ", ".join(["x"] * count)
        refused = run(
            "apply",
            "-",
            stdin="accounts: [{id: acme}]\npools:\n- {id: many, account: acme, parameters: [p], "
            f"allow_overflow: false, numbers: [{numbers}]}}\n",
        )
        lines = refused.stderr.splitlines()
        assert (refused.exit_code, len(lines), lines[-1]) == (1, 101, rest)
        assert lines[99].startswith("pools[0].numbers[99]: ")


def test_a_bomb_is_refused_before_its_lines_are_looked_for(run: Run) -> None:
    """Nesting that would end the process is found by its events alone."""
    refused = run("apply", "-", stdin="[" * 100_000)
    assert refused.exit_code == 1
    assert "nested deeper than" in refused.stderr
