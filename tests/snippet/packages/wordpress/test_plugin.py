"""The WordPress plugin in PHP, against stand-ins of WordPress's functions (``wordpress.php``)."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ringpool import __version__
from tests.snippet.conformance import browser
from tests.snippet.conformance.site import NEW, NUMBER, Site

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PACKAGE = ROOT / "snippet" / "packages" / "wordpress"
PLUGIN = PACKAGE / "ringpool"

ADMIN = "WordPress::$capabilities = ['manage_options', 'edit_posts'];"
SET = """update_option('ringpool_settings', [
  'service' => 'https://numbers.example', 'account' => 'acme', %s]);"""
FORM = """function save(array $entered): array {
  admin_page('ringpool');
  options_php(['option_page' => 'ringpool', '_wpnonce' => 'nonce-of-ringpool-options',
    'ringpool_settings' => $entered]);
  return [array_filter(Ringpool\\settings(), 'strlen'),
    array_map(fn ($error) => $error[1], WordPress::$errors)];
}
"""
LOAD = f"require '{PLUGIN}/ringpool.php';"


def run(code: str, before: str = LOAD) -> Any:
    """What PHP code returns in a WordPress with the plugin; a notice of PHP's is an error."""
    php = shutil.which("php")
    if php is None:
        browser.missing("PHP isn't installed (Debian's php-cli)")
    script = (
        f"<?php require '{HERE}/wordpress.php'; {before}"
        f" echo json_encode((function () {{ {code} }})(), JSON_THROW_ON_ERROR);"
    )
    done = subprocess.run([str(php)], input=script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def refused(code: str) -> str:
    """The message that WordPress dies with."""
    message: str = run(
        f"try {{ {code} }} catch (RuntimeException $end) {{ return $end->getMessage(); }}"
    )
    return message


def files() -> list[Path]:
    """The plugin's PHP files."""
    return sorted(PLUGIN.rglob("*.php"))


def head(settings: str = "") -> str:
    """What a page's head gets with these settings."""
    made: str = run(SET % settings + "return head();")
    return made


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_lint(path: Path) -> None:
    """PHP can read each file, and none does anything when it is opened by its address."""
    php = shutil.which("php")
    if php is None:
        browser.missing("PHP isn't installed (Debian's php-cli)")
    checked = subprocess.run([str(php), "-l", path], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout
    opened = subprocess.run([str(php), path], capture_output=True, text=True, timeout=60)
    assert (opened.returncode, opened.stdout) == (0, "")


def test_style() -> None:
    """PHP_CodeSniffer finds nothing."""
    phpcs = shutil.which("phpcs")
    if phpcs is None:
        browser.missing("PHP_CodeSniffer isn't installed (Debian's php-codesniffer)")
    found = subprocess.run([str(phpcs), "-q"], cwd=PACKAGE, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_nothing_before_it_is_set() -> None:
    """Without service and account pages stay as they are."""
    assert run("return head();") == ""
    assert (
        run("update_option('ringpool_settings', ['service' => 'https://n.example']);return head();")
        == ""
    )
    assert run("update_option('ringpool_settings', 'broken'); return head();") == ""


def test_tag() -> None:
    """The tag is async, with the account in its address and no version behind it."""
    tag = head()
    assert re.findall('src="([^"]*)"', tag) == ["https://numbers.example/dni.js?account=acme"]
    assert " async " in tag
    assert " data-" not in tag.replace("data-wp-strategy", "")


def test_attributes() -> None:
    """What is set becomes attributes; what isn't, doesn't."""
    tag = head("'click-to-call' => '1', 'days' => '7', 'hide-until' => '.phone', 'jsonld' => ''")
    attributes = dict(re.findall(r' data-([a-z-]+)="([^"]*)"', tag))
    del attributes["wp-strategy"]
    assert attributes == {"click-to-call": "", "days": "7", "hide-until": ".phone"}


def test_attributes_are_escaped() -> None:
    """A value can't leave its attribute."""
    tag = head("""'selector' => '" onload="alert(1)" x="$0 \\\\1 >'""")
    assert html.unescape(re.findall(' data-selector="([^"]*)"', tag)[0]) == (
        r'" onload="alert(1)" x="$0 \1 >'
    )
    assert ' onload="' not in tag


def test_other_tags_stay() -> None:
    """Scripts of others aren't touched, nor inline scripts beside ours."""
    code = (
        SET % "'days' => '7'"
        + """
      $other = "<script src='https://x.example/dni.js'></script>";
      $inline = '<script id="ringpool-js-before">var src="/dni.js";</script>';
      $ours = "<script src='https://numbers.example/dni.js?account=acme'></script>";
      return [apply_filters('script_loader_tag', $other, 'other') === $other,
        apply_filters('script_loader_tag', $inline . $ours, 'ringpool'),
        apply_filters('script_loader_tag', null, 'ringpool')];
    """
    )
    other, ours, nothing = run(code)
    assert other
    assert ours.count("data-days") == 1
    assert '<script data-days="7" src=\'https://numbers' in ours
    assert nothing is None


def test_settings_are_saved() -> None:
    """What the form sends is stored, without what isn't a setting."""
    saved, errors = run(
        ADMIN
        + FORM
        + """return save(['service' => ' https://numbers.example/ ', 'account' => 'acme',
          'click-to-call' => 'on', 'format' => 'national', 'consent' => 'required',
          'params' => 'a=1&b=x%20y', 'selector' => 'main > .phone', 'days' => '007',
          'timeout' => '0', 'other' => 'x']);"""
    )
    assert errors == []
    assert saved == {
        "service": "https://numbers.example",
        "account": "acme",
        "click-to-call": "1",
        "format": "national",
        "consent": "required",
        "params": "a=1&b=x%20y",
        "selector": "main > .phone",
        "days": "7",
        "timeout": "0",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service", "'numbers.example'"),
        ("service", "'http://numbers.example'"),
        ("service", "'javascript:alert(1)'"),
        ("service", "'https://user:word@numbers.example'"),
        ("service", "'https://numbers.example/?a=b'"),
        ("account", "'Acme Inc.'"),
        ("account", "'acme\" onload=\"x'"),
        ("format", "'local'"),
        ("consent", "'maybe'"),
        ("days", "'0'"),
        ("days", "'1e2'"),
        ("timeout", "'60001'"),
        ("params", "str_repeat('a', 501)"),
        ("params", "'a=<b>'"),
        ("selector", '"a\\nb"'),
    ],
)
def test_values_that_cannot_be_meant(name: str, value: str) -> None:
    """They are refused by the field's name, and the value before stays."""
    before = SET % "'format' => 'e164', 'days' => '5', 'consent' => 'required', 'params' => 'a=1'"
    saved, errors = run(
        ADMIN
        + before
        + FORM
        + f"$stored = get_option('ringpool_settings'); $stored['{name}'] = {value};"
        + f"return [save($stored)[0]['{name}'] ?? '', save($stored)[1]];"
    )
    kept = {
        **{"service": "https://numbers.example", "account": "acme", "format": "e164"},
        **{"days": "5", "consent": "required", "params": "a=1", "timeout": ""},
        "selector": "",
    }
    assert saved == kept[name]
    assert set(errors) == {f"ringpool-{name}"}


def test_hostile_forms() -> None:
    """Arrays in place of texts, broken UTF-8 and no form at all are nothing entered."""
    for form in ("['account' => ['x'], 'params' => new stdClass()]", "['params' => \"\\xff\"]"):
        assert run(ADMIN + FORM + f"return save({form});") == [[], []]
    assert run(ADMIN + "admin_page('ringpool'); return Ringpool\\sanitize(null)['account'];") == ""


def test_the_script_s_address_is_understood() -> None:
    """Whoever enters the address of the script means the service; a path is part of it."""
    code = "return array_map('Ringpool\\service_address', ['https://n.example/dni.js?account=a',"
    code += "'https://n.example/numbers/', 'http://localhost:8000']);"
    assert run(code) == ["https://n.example", "https://n.example/numbers", "http://localhost:8000"]


def test_the_form_needs_nonce_and_capability() -> None:
    """Without either nothing is stored; the page isn't shown to whoever may not change it."""
    form = "admin_page('ringpool'); options_php(['option_page' => 'ringpool', 'ringpool_settings'"
    form += " => ['account' => 'evil'], '_wpnonce' => 'NONCE']); return Ringpool\\settings();"
    assert refused(ADMIN + form).startswith("403 The link")
    assert refused(form.replace("NONCE", "nonce-of-ringpool-options")).startswith("403 Sorry")
    assert refused("Ringpool\\show_settings_page();").startswith("403 You may not")


def test_the_page_prints_what_is_set_escaped() -> None:
    """Every setting has a field with its label and its value; WordPress adds the nonce."""
    page = run(
        ADMIN
        + SET
        % """'selector' => '"><script>x</script>', 'consent' => 'required',
          'click-to-call' => '1'"""
        + "WordPress::$options[1]['ringpool_settings']['selector'] = '\"><script>x</script>';"
        + "return admin_page('ringpool');"
    )
    names = re.findall(r'name="ringpool_settings\[([a-z-]+)\]"', page)
    assert names == run("return array_keys(Ringpool\\DEFAULTS);")
    assert len(re.findall("<label for=", page)) == len(names)
    assert "nonce-of-ringpool-options" in page
    assert "<script" not in page
    assert 'value="&quot;&gt;&lt;script&gt;' in page
    assert '<option value="required" selected>' in page
    assert 'name="ringpool_settings[click-to-call]" checked>' in page
    assert "notice-warning" not in page
    assert "notice-warning" in run(ADMIN + "return admin_page('ringpool');")


def test_link_to_the_settings() -> None:
    """The list of plugins leads to the page."""
    (first, second) = run(
        "return apply_filters('plugin_action_links_ringpool/ringpool.php', ['<a>Deactivate</a>']);"
    )
    assert "options-general.php?page=ringpool" in first
    assert second == "<a>Deactivate</a>"


@pytest.mark.parametrize(
    ("shortcode", "text"),
    [
        ('[ringpool_number target="+18005550100"]', "(800) 555-0100"),
        ('[ringpool_number target="+18005550100" format="national"]', "(800) 555-0100"),
        ('[ringpool_number target="+18005550100" format="international"]', "+1 800-555-0100"),
        ('[ringpool_number target="+1 (800) 555-0100" format="e164"]', "+18005550100"),
        ('[ringpool_number target="+442071838750"]', "+442071838750"),
        ('[ringpool_number target="+442071838750" text="020 7183 8750"]', "020 7183 8750"),
        ('[ringpool_number target="+18005550100" text="1 & 2" /]', "1 &amp; 2"),
    ],
)
def test_shortcode(shortcode: str, text: str) -> None:
    """It prints the number in a span."""
    made = run(
        f"do_action('init'); return do_shortcode({json.dumps(shortcode)});".replace("$", "\\$")
    )
    assert made == f'<span class="ringpool-number">{text}</span>'


def test_a_stray_closing_shortcode() -> None:
    """What WordPress takes for a shortcode's content stays on the page, its shortcodes too."""
    one = '[ringpool_number target="+18005550100" format="e164"]'
    other = '[ringpool_number target="+18005550101" format="e164"]'
    text = f"{one} <i>or</i> {other} now[/ringpool_number]"
    made = run(f"do_action('init'); return do_shortcode('{text}');")
    assert re.sub("</?span[^>]*>", "", made) == "+18005550100 <i>or</i> +18005550101 now"


def test_shortcode_as_link() -> None:
    """A link dials it."""
    made = run(
        "do_action('init');"
        'return do_shortcode(\'[ringpool_number target="+18005550100" link="yes"]\');'
    )
    assert made == '<a class="ringpool-number" href="tel:+18005550100">(800) 555-0100</a>'


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ("[]", "target"),
        ("''", "target"),
        ("['target' => '800-555-0100']", "target"),
        ("['target' => '+1<script>x']", "target"),
        ("['target' => '+18005550100', 'format' => 'local']", "format"),
        ("['target' => '+18005550100', 'link' => '1']", "link"),
    ],
)
def test_shortcode_that_cannot_be_meant(attributes: str, named: str) -> None:
    """Visitors read what stands there, escaped; who may edit the page, what is wrong with it."""
    shown = run(f"return Ringpool\\show_number(['text' => 'A & B'] + (array) {attributes});")
    assert shown == "A &amp; B"
    assert "<script" not in run(f"return Ringpool\\show_number({attributes});")
    hinted = run(ADMIN + f"return Ringpool\\show_number({attributes});")
    assert f"[ringpool_number: {named}:" in hinted


@pytest.mark.parametrize("multisite", [False, True])
def test_uninstall(multisite: bool) -> None:
    """It removes the plugin's option, on every site of a network, and nothing else."""
    left = run(
        f"WordPress::$multisite = {json.dumps(multisite)};"
        "$here = ['ringpool_settings' => ['account' => 'a'], 'blogname' => 'Shop'];"
        "WordPress::$options = [1 => $here] + (WordPress::$multisite ? [2 => $here] : []);"
        f"define('WP_UNINSTALL_PLUGIN', 'ringpool/ringpool.php'); require '{PLUGIN}/uninstall.php';"
        "return array_values(WordPress::$options);"
    )
    assert left == [{"blogname": "Shop"}] * (2 if multisite else 1)
    text = (PLUGIN / "uninstall.php").read_text("utf-8")
    assert run("return Ringpool\\OPTION;") in text


def test_stores_one_option_only() -> None:
    """Nothing is stored under another name: uninstalling leaves nothing behind."""
    text = "".join(path.read_text("utf-8") for path in files())
    for writer in ("add_option(", "update_option", "set_transient", "add_post_meta", "$wpdb"):
        assert writer not in text
    assert text.count("register_setting(\n") == 1


def test_attributes_are_the_manual_s() -> None:
    """Each setting that becomes an attribute is one of the manual's."""
    manual = (ROOT / "snippet" / "README.md").read_text("utf-8")
    for name in run("return array_keys(Ringpool\\DEFAULTS);"):
        assert name == "service" or f"`data-{name}`" in manual, name


def test_a_page_of_the_plugin_is_swapped(site: Site) -> None:
    """What PHP printed, tag and shortcodes, is swapped in a real browser."""
    number = '[ringpool_number target="+18005550100"]'
    link = '[ringpool_number target="+18005550100" link="yes" text="800-555-0100"]'
    shortcodes = (
        f"do_action('init'); return [head(), do_shortcode('<p>{number}</p><p>{link}</p>')];"
    )
    made = run(SET % "'timeout' => '20000'" + shortcodes)
    tag, body = made
    address = html.escape(site.script).removesuffix(f"?account={site.account.id}")
    tag = tag.replace("https://numbers.example/dni.js", address)
    tag = tag.replace("account=acme", f"account={site.account.id}")
    view = site.open(body, tag=tag)
    view.shows("(888) 869-5345", "span.ringpool-number").shows(NEW, "a.ringpool-number")
    assert view.run("() => document.querySelector('a').href") == f"tel:{NUMBER}"


def section(name: str) -> str:
    """A section of readme.txt."""
    text = (PLUGIN / "readme.txt").read_text("utf-8")
    found = re.search(rf"^== {name} ==\n(.*?)(?=^== |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_readme_has_the_form_of_wordpress_org() -> None:
    """Header fields, a short description of at most 150 characters, the sections, five tags."""
    text = (PLUGIN / "readme.txt").read_text("utf-8")
    assert text.startswith("=== Ringpool ===\n")
    header, rest = text.split("\n\n", 1)
    fields = dict(line.split(": ", 1) for line in header.splitlines()[1:])
    assert fields.keys() == {
        *("Contributors", "Tags", "Requires at least", "Tested up to", "Requires PHP"),
        *("Stable tag", "License", "License URI"),
    }
    assert len(fields["Tags"].split(",")) <= 5
    assert 0 < len(rest.split("\n")[0]) <= 150
    for name in ("Description", "Installation", "Frequently Asked Questions", "Changelog"):
        assert section(name).strip()
    assert "= External services =" in section("Description")
    plugin = (PLUGIN / "ringpool.php").read_text("utf-8")
    headers = dict(re.findall(r"^ \* ([A-Z][\w ]+?): +(.*)$", plugin, re.MULTILINE))
    assert headers["Version"] == fields["Stable tag"] == __version__
    for name in ("Requires at least", "Requires PHP", "License", "License URI"):
        assert headers[name] == fields[name]
    assert f"= {__version__} =" in section("Changelog")


def test_zip_installs(tmp_path: Path) -> None:
    """The folder is the plugin: its main file is named for it, its licence lies in it."""
    archive = shutil.make_archive(str(tmp_path / "ringpool"), "zip", PACKAGE, "ringpool")
    names = set(zipfile.ZipFile(archive).namelist())
    assert {"ringpool/ringpool.php", "ringpool/uninstall.php", "ringpool/readme.txt"} <= names
    assert (PLUGIN / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
