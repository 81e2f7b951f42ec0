"""The npm package as it is packed: its files, its types, what it does on a server."""

from __future__ import annotations

import json
import re
import shutil

from ringpool import __version__
from tests.snippet.packages.npm.project import HERE, PACKAGE, ROOT, project

MANUAL = (ROOT / "snippet" / "README.md").read_text("utf-8")
TYPES = (PACKAGE / "src" / "index.d.ts").read_text("utf-8")

SHIM = """declare module "react" {
  export function startTransition(work: () => void): void;
  export function useEffect(work: () => void | (() => void), on: unknown[]): void;
  export function useMemo<T>(make: () => T, on: unknown[]): T;
  export function useState<T>(start: T | (() => T)): [T, (next: T | ((now: T) => T)) => void];
}
"""
"""The part of React's types that the package uses: the tests install none."""


def table(heading: str) -> list[str]:
    """What stands in backticks in the first column of a section's first table."""
    section = MANUAL[MANUAL.index(f"\n## {heading}\n") :]
    rows = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert rows
    columns = [row.split("|")[1] for row in rows[0].splitlines()]
    return [name for column in columns for name in re.findall("`([^`]+)`", column)]


def test_files() -> None:
    """What is packed is the modules, their types, the licence and the page about them."""
    packed = project().packed
    names = {file["path"] for file in packed["files"]}
    modules = {str(path.relative_to(PACKAGE)) for path in (PACKAGE / "src").iterdir()}
    assert names == {"package.json", "README.md", "LICENSE", *modules}
    assert (PACKAGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert packed["name"] == "@ringpool/page"
    assert packed["version"] == __version__


def test_no_dependencies() -> None:
    """An app gets nothing with it; React only if it has it."""
    package = json.loads((PACKAGE / "package.json").read_text())
    assert "dependencies" not in package
    assert package["peerDependencies"].keys() == {"react"}
    assert package["peerDependenciesMeta"]["react"]["optional"] is True


def test_types() -> None:
    """An app compiles against the types, whichever way it finds modules; misuse doesn't compile."""
    app = project()
    shutil.copy(HERE / "uses.ts", app.folder)
    shutil.copy(ROOT / "snippet" / "src" / "types.d.ts", app.folder / "script.d.ts")
    text = (app.folder / "script.d.ts").read_text()
    script = re.sub(r"interface Window \{.*?\n\}\n", "", text, flags=re.DOTALL)
    (app.folder / "script.d.ts").write_text(script)
    for module, resolution in (("esnext", "bundler"), ("nodenext", "nodenext")):
        app.check_types("uses.ts", "script.d.ts", module=module, moduleResolution=resolution)


def test_sources_have_the_types_that_they_declare() -> None:
    """The modules themselves hold under the strict compiler."""
    app = project()
    (app.folder / "react-shim.d.ts").write_text(SHIM)
    installed = "node_modules/@ringpool/page/src"
    copied = app.folder / "sources"
    shutil.copytree(app.folder / installed, copied, dirs_exist_ok=True)
    files = [f"sources/{path.name}" for path in copied.glob("*.js") if path.stem != "index"]
    app.check_types(
        *files,
        "react-shim.d.ts",
        module="esnext",
        moduleResolution="bundler",
        allowJs=True,
        checkJs=True,
    )


def test_types_name_every_command() -> None:
    """The commands are those of the manual."""
    listed = {name.split("'")[1] for name in table("Commands")}
    assert set(re.findall(r'\(command: "(\w+)"', TYPES)) == listed


def test_types_name_every_attribute() -> None:
    """The loader's options are the attributes of the manual, in camel case."""
    names = [name.removeprefix("data-") for name in table("Attributes of the tag")]
    listed = {re.sub("-(.)", lambda letter: letter[1].upper(), name) for name in names}
    options = TYPES[TYPES.index("interface LoadOptions") : TYPES.index("[attribute: string]")]
    named = set(re.findall(r"^  (\w+)\??:", options, re.MULTILINE))
    assert named - {"src", "nonce", "patience"} == listed


def test_on_a_server() -> None:
    """Importing and calling it on a server does nothing, and needs no React."""
    shown = project().node(
        """
        import * as page from "@ringpool/page";
        const stop = page.watchNumber("+18005550100", () => { throw new Error("called"); });
        stop();
        console.log(JSON.stringify([
          await page.loadRingpool({ src: "https://numbers.example/dni.js", account: "acme" }),
          page.currentRingpool(),
        ]));
        """
    )
    assert shown == [None, None]


def test_options_that_cannot_be_meant() -> None:
    """They are refused on a server already, each by its name."""
    shown = project().node(
        """
        import { loadRingpool } from "@ringpool/page";
        const tries = [
          undefined, {}, { src: 7, account: "acme" }, { src: "https://numbers.example/" },
          { src: "/dni.js" }, { src: "/dni.js", account: "Acme!" },
          { src: "/dni.js", account: "acme", "data-days": 3 },
        ];
        const refused = options => {
          try { loadRingpool(options); } catch (error) { return [error.name, error.message]; }
        };
        console.log(JSON.stringify(tries.map(refused)));
        """
    )
    assert {kind for kind, _ in shown} == {"TypeError"}
    named = [message.split(":")[0] for _, message in shown]
    assert named == ["src", "src", "src", "src", "account", "account", "data-days"]


def test_numbers_are_written_as_the_printed_one_is() -> None:
    """Digit by digit where that goes, else whole; in the pool's format, or the one asked for."""
    us = {
        "number": "+18888695345",
        "national": "(888) 869-5345",
        "international": "+1 888-869-5345",
    }
    gb = {
        "number": "+442079460123",
        "national": "020 7946 0123",
        "international": "+44 20 7946 0123",
    }
    toll_free = "+18005550100"
    london = "+442071838750"
    cases = [
        (None, toll_free, "800.555.0100", None, "800.555.0100"),
        (None, toll_free, None, None, toll_free),
        (us, toll_free, "800.555.0100", None, "888.869.5345"),
        (us, toll_free, "+1 (800) 555-0100", None, "+1 (888) 869-5345"),
        (us, toll_free, None, None, "+18888695345"),
        (us, toll_free, "1-800-FLOWERS", None, "(888) 869-5345"),
        (us, toll_free, "800.555.0100", "national", "(888) 869-5345"),
        (us, toll_free, "800.555.0100", "international", "+1 888-869-5345"),
        (us, toll_free, "800.555.0100", "e164", "+18888695345"),
        ({**us, "display": "+1 888-869-5345"}, toll_free, "800.555.0100", None, "+1 888-869-5345"),
        ({**us, "display": "+18888695345"}, toll_free, "800.555.0100", None, "+18888695345"),
        ({**us, "display": "(888) 869-5345"}, toll_free, "800.555.0100", None, "888.869.5345"),
        ({"number": "+18888695345"}, toll_free, "800.555.0100", None, "888.869.5345"),
        ({**us, "number": "+18888695345;ext=7"}, toll_free, "8005550100", None, "8888695345"),
        (gb, london, "020 7183 8750", None, "020 7946 0123"),
        (gb, london, "+44 (0)20 7183 8750", None, "+44 (0)20 7946 0123"),
        (gb, toll_free, "800-555-0100", None, "020 7946 0123"),
        (gb, toll_free, "+1 800 555 0100", None, "+44 20 7946 0123"),
    ]
    script = f"""
        import {{ writtenNumber }} from "@ringpool/page";
        const cases = {json.dumps([case[:4] for case in cases])};
        console.log(JSON.stringify(cases.map(([answer, target, printed, format]) =>
          writtenNumber(answer, target, printed ?? undefined, format ?? undefined))));
    """
    assert project().node(script) == [case[4] for case in cases]
