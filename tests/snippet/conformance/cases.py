"""Cases as data: what stands on a page, and what must stand there after the swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tests.snippet.conformance.service import Pool
from tests.snippet.conformance.site import NUMBER, TARGET

FLOWERS, FLOWERS_NUMBER = "+18003569377", "+18888695777"


class Case(NamedTuple):
    """``html`` becomes ``expected``; without ``expected`` it stays as it is, byte by byte."""

    name: str
    html: str
    expected: str | None = None


@dataclass(frozen=True)
class Group:
    """Cases that share a page: they have the same account and the same tag.

    ``asked``: the targets that the service is asked for; those of ``pools`` that it must not be
    asked for are all others.
    """

    title: str
    cases: tuple[Case, ...]
    pools: tuple[Pool, ...] = (Pool(TARGET, NUMBER),)
    asked: tuple[str, ...] = (TARGET,)
    tag: str = ""


def separated(name: str, separator: str) -> Case:
    """The number with one separator between its groups."""
    return Case(
        f"separated by {name}",
        f"Call 800{separator}555{separator}0100 now",
        f"Call 888{separator}869{separator}5345 now",
    )


SEPARATORS = tuple(
    separated(name, separator)
    for name, separator in (
        ("a space", " "),
        ("two spaces", "  "),
        ("a no-break space", "\u00a0"),
        ("a narrow no-break space", "\u202f"),
        ("a thin space", "\u2009"),
        ("a hair space", "\u200a"),
        ("a figure space", "\u2007"),
        ("an em space", "\u2003"),
        ("a hyphen-minus", "-"),
        ("a hyphen", "\u2010"),
        ("a no-break hyphen", "\u2011"),
        ("a figure dash", "\u2012"),
        ("an en dash", "\u2013"),
        ("an em dash", "\u2014"),
        ("a minus sign", "\u2212"),
        ("a fullwidth hyphen", "\uff0d"),
        ("a soft hyphen", "\u00ad"),
        ("a dot", "."),
        ("a middle dot", "\u00b7"),
        ("a bullet", "\u2022"),
        ("a slash", "/"),
        ("a spaced hyphen", " - "),
        ("a spaced en dash", " \u2013 "),
        ("a spaced slash", " / "),
        ("a zero-width space", "\u200b"),
        ("a word joiner", "\u2060"),
        ("left-to-right marks", "\u200e-"),
        ("a line break of the source", "\n      "),
    )
)

PREFIXES = tuple(
    Case(f"written {found}", f"Call {found} now", f"Call {expected} now")
    for found, expected in (
        ("8005550100", "8888695345"),
        ("18005550100", "18888695345"),
        ("+18005550100", "+18888695345"),
        ("1-800-555-0100", "1-888-869-5345"),
        ("1.800.555.0100", "1.888.869.5345"),
        ("1 800 555 0100", "1 888 869 5345"),
        ("1 (800) 555-0100", "1 (888) 869-5345"),
        ("1(800)555-0100", "1(888)869-5345"),
        ("1/800/555-0100", "1/888/869-5345"),
        ("+1 800 555 0100", "+1 888 869 5345"),
        ("+1-800-555-0100", "+1-888-869-5345"),
        ("+1.800.555.0100", "+1.888.869.5345"),
        ("+1 (800) 555-0100", "+1 (888) 869-5345"),
        ("+1(800)5550100", "+1(888)8695345"),
        ("(+1) 800 555 0100", "(+1) 888 869 5345"),
        ("(+1) (800) 555-0100", "(+1) (888) 869-5345"),
        ("(1) 800-555-0100", "(1) 888-869-5345"),
        ("+ 1 800 555 0100", "+ 1 888 869 5345"),
        ("\uff0b1 800 555 0100", "\uff0b1 888 869 5345"),
        ("001 800 555 0100", "001 888 869 5345"),
        ("0018005550100", "0018888695345"),
        ("00 1 800 555 0100", "00 1 888 869 5345"),
        ("011 1 800 555 0100", "011 1 888 869 5345"),
        ("(800) 555-0100", "(888) 869-5345"),
        ("(800)555-0100", "(888)869-5345"),
        ("(800)5550100", "(888)8695345"),
        ("( 800 ) 555 0100", "( 888 ) 869 5345"),
        ("(800)-555-0100", "(888)-869-5345"),
        ("(800).555.0100", "(888).869.5345"),
        ("[800] 555-0100", "[888] 869-5345"),
        ("800-5550100", "888-8695345"),
        ("800 555-0100", "888 869-5345"),
        ("800.555-0100", "888.869-5345"),
        ("800555-0100", "888869-5345"),
        ("800/555-0100", "888/869-5345"),
        ("800 55 50 100", "888 86 95 345"),
        ("800 5 550 100", "888 8 695 345"),
        ("80 05 55 01 00", "88 88 69 53 45"),
        ("8-0-0-5-5-5-0-1-0-0", "8-8-8-8-6-9-5-3-4-5"),
        ("800.555.01.00", "888.869.53.45"),
    )
)

TAILS = tuple(
    Case(f"{tail!r} after the number stays", f"Call 800-555-0100{tail}", f"Call 888-869-5345{tail}")
    for tail in (
        " ext. 12",
        " ext 12",
        " Ext. 1234",
        " extension 7",
        " x12",
        " x 12",
        "x12",
        ", ext. 12",
        ",12",
        ",,12",
        ",,12#",
        ";12",
        ";ext=12",
        "p12",
        "w12",
        " #12",
        " opt. 2",
        " (ext. 12)",
    )
)

NEIGHBOURS = tuple(
    Case(
        f"beside {html.replace('@', '…')!r}",
        html.replace("@", "800-555-0100"),
        html.replace("@", "888-869-5345"),
    )
    for html in (
        "Tel.@",
        "Tel:@",
        "T:@",
        "tel@",
        "Call@",
        "CALL@",
        "Phone#: @",
        "@or write",
        "@.",
        "@!",
        "@?",
        "@;",
        "@:",
        "@, 24 hours",
        "@…",
        "@*",
        "@™",
        "“@”",
        "'@'",
        "«@»",
        "(@)",
        "(call @)",
        "[@]",
        "*@*",
        "|@|",
        "★@★",
        "📞@",
        "电话：@",
        "電話@まで",
        "Téléphone @",
        "—@—",
        "–@–",
        "24/7 @",
        "@ 24/7",
        "24/7: @",
        "24/7 - @",
        "@ (24/7)",
        "24h @",
        "7 days: @",
        "@ 7 days a week",
        "@ 9am-5pm",
        "9-5 @",
        "9:00-17:00 @",
        "Mon-Fri 9-17 @",
        "Since 1999: @",
        "1. @",
        "2) @",
        "#1: @",
        "100% free: @",
        "Suite 200, @",
        "Suite 200 · @",
        "New York, NY 10001 | @",
        "NY 10001, @",
        "© 2026 @",
        "@ © 2026",
        "@ / 212-555-0199",
        "212-555-0199 / @",
        "@ | 212-555-0199",
        "212-555-0199 | @",
        "@, 212-555-0199",
        "212-555-0199, @",
        "@ or 212-555-0199",
        "@ 212-555-0199",
        "212-555-0199 @",
        "@ (212) 555-0199",
        "(212) 555-0199 @",
        "+44 20 7183 8750 @",
        "@ +44 20 7183 8750",
        "@ @",
        "@, @",
        "@/@",
        "@ / @",
        "Fax 212-555-0199 Tel @",
        "@ (toll-free)",
        "@ - toll-free",
        "@ – 24 hours",
        "@—free",
        "Only $99! @",
        "@ from $99",
        "@ mail a@b.example".replace("a@b", "a&#64;b"),
        "hello&#64;b.example @",
        "https://b.example @",
        "b.example · @",
        "@ b.example",
        "@<br>212-555-0199",
        "12:30 @",
        "2026-11-22 @",
        "22.11.2026: @",
        "Room 5: @",
        "A2 @",
    )
)

MUST_NOT = tuple(
    Case(name, f"See {html}")
    for name, html in (
        ("a digit glued before", "98005550100"),
        ("a digit glued after", "80055501001"),
        ("a longer run of digits", "4711800555010042"),
        ("a longer run with hyphens, left", "12-800-555-0100"),
        ("a longer run with hyphens, right", "800-555-0100-12"),
        ("a longer run with dots", "800.555.0100.12"),
        ("an ISBN", "978-1-800-55501-00"),
        ("a card number", "4111 8005 5501 0012"),
        ("an IBAN", "DE44 8005 5501 0012 3456 78"),
        ("a code with letters before", "AB-800-555-0100"),
        ("a code with letters after", "800-555-0100-AB"),
        ("a code with a letter glued after", "8005550100A"),
        ("a code with an underscore", "item_8005550100"),
        ("a code with an underscore after", "8005550100_v2"),
        ("a part number", "P/N X-8005550100"),
        ("a serial number", "SN8005550100X"),
        ("a number sign", "#8005550100"),
        ("a UUID", "80055501-0012-4abc-9def-8005550100ab"),
        ("hexadecimal digits", "0x8005550100"),
        ("a hash", "e8005550100f"),
        ("a price in dollars", "$8005550100"),
        ("a price with a blank", "$ 8005550100"),
        ("a price in euros", "8005550100 €"),
        ("a price in pounds", "£8005550100"),
        ("a price with cents", "8005550100.00"),
        ("a price with a comma", "8005550100,00"),
        ("thousands with commas", "8,005,550,100"),
        ("thousands with dots", "8.005.550.100"),
        ("thousands with blanks", "8 005 550 100"),
        ("thousands with apostrophes", "8'005'550'100"),
        ("a percentage", "8005550100%"),
        ("degrees", "80.05550100°"),
        ("a decimal fraction", "0.8005550100"),
        ("a decimal number", "80.05550100"),
        ("a negative decimal number", "-80.05550100"),
        ("a pair of coordinates", "40.712776,-80.05550100"),
        ("a coordinate before another", "80.05550100, -74.005974"),
        ("a direct-dial suffix", "800 555 0100-22"),
        ("a direct-dial suffix of one digit", "800 555 0100-0"),
        ("a direct-dial suffix with a slash", "800 555 0100/22"),
        ("a spaced direct-dial suffix", "800 555 0100 - 22"),
        ("a German number with the same digits", "+49 800 5550100"),
        ("a German number with 00", "0049 800 5550100"),
        ("a Russian number with the same digits", "+7 800 555-01-00"),
        ("a Russian number with its trunk 8", "8 800 555-01-00"),
        ("a Russian number with its trunk 8 and brackets", "8 (800) 555-01-00"),
        ("a British number with the same digits", "+44 800 555 0100"),
        ("a British number with (0)", "+44 (0)800 555 0100"),
        ("a number with a trunk 0", "0800 555 0100"),
        ("a number with a trunk 0 apart", "0 800 555 0100"),
        ("an unknown country's number", "+999 800 555 0100"),
        ("a wrong country code glued", "+498005550100"),
        ("a URL", "https://x.example/8005550100"),
        ("a URL with hyphens", "https://x.example/call/800-555-0100/now"),
        ("a URL's query", "https://x.example/?tel=8005550100&amp;a=1"),
        ("a URL's fragment", "https://x.example/#800-555-0100"),
        ("a URL without scheme", "x.example/800-555-0100"),
        ("a URL with www", "www.x.example?p=800-555-0100"),
        ("a path", "/contact/800-555-0100"),
        ("a port-like URL", "http://8005550100:80/"),
        ("a domain", "8005550100.example.com"),
        ("a domain with hyphens", "800-555-0100.com"),
        ("a vanity-like domain", "call-800-555-0100.net"),
        ("a mail address", "8005550100@x.example"),
        ("a mail address with hyphens", "800-555-0100@x.example"),
        ("a mail address with words before", "sales-800-555-0100@x.example"),
        ("a mail host", "info@800-555-0100.example"),
        ("a query parameter", "phone=8005550100"),
        ("a file name", "scan-800-555-0100.pdf"),
        ("a wrong last digit", "800-555-0101"),
        ("a wrong area code", "801-555-0100"),
        ("a missing digit", "800-555-010"),
        ("digits joined by commas", "800,555,0100"),
        ("digits joined by words", "800 and 555 and 0100"),
        ("digits joined by equals signs", "800=555=0100"),
        ("digits joined by an asterisk", "800*555*0100"),
        ("a ratio", "800:555:0100"),
        ("a sum", "800+555+0100"),
        ("two blocks", "<p>800-555</p><p>-0100</p>"),
        ("a line break", "800-555-<br>0100"),
        ("table cells", "<table><tbody><tr><td>800</td><td>5550100</td></tr></tbody></table>"),
        ("list items", "<ul><li>800</li><li>5550100</li></ul>"),
        ("a rule", "800-555<hr>-0100"),
        ("a picture between", '800-555<img alt="">-0100'),
        ("a line break in preformatted text", "<pre>800-555\n0100</pre>"),
        ("a field between", "800-<input>-5550100"),
        ("a nested block", "<div>800-555<div>-0100</div></div>"),
        ("a word that ends in vanity letters", "FLOWERS-800-555-0100-X"),
    )
)

VANITY = tuple(
    Case(f"vanity {found}", f"Call {found} now", f"Call {expected} now")
    for found, expected in (
        ("1-800-FLOWERS", "1-888-869-5777"),
        ("1-800-flowers", "1-888-869-5777"),
        ("1-800-Flowers", "1-888-869-5777"),
        ("1 800 FLOWERS", "1 888 869 5777"),
        ("1.800.FLOWERS", "1.888.869.5777"),
        ("800-FLOWERS", "888-869-5777"),
        ("(800) FLOWERS", "(888) 869-5777"),
        ("1-800-FLO-WERS", "1-888-869-5777"),
        ("1-800-35-NYESS".replace("35-NYESS", "356-WERS"), "1-888-869-5777"),
        ("+1-800-FLOWERS", "+1-888-869-5777"),
        ("1-800-356-9377", "1-888-869-5777"),
    )
) + tuple(
    Case(f"not vanity: {found}", f"See {found} here")
    for found in (
        "1-800-FLOWERS.com",
        "www.1-800-FLOWERS.example",
        "info@1-800-flowers.example",
        "FLOWERS",
        "1-800-FLOWER",
        "1-801-FLOWERS",
        "2-800-FLOWERS",
        "A1-800-FLOWERS",
    )
)

OTHER_LENGTH = tuple(
    Case(f"{found} replaced by a British number", f"Call {found} now", f"Call {expected} now")
    for found, expected in (
        ("800-555-0100", "020 7946 0123"),
        ("(800) 555-0100", "020 7946 0123"),
        ("8005550100", "02079460123"),
        ("+1 800 555 0100", "+44 20 7946 0123"),
        ("+18005550100", "+442079460123"),
        ("800-555-0100 ext. 12", "020 7946 0123 ext. 12"),
        ("Tel.800-555-0100.", "Tel.020 7946 0123."),
    )
)


def formatted(style: str, expected: str) -> tuple[Case, ...]:
    """Every writing becomes the same one."""
    return tuple(
        Case(f"{found} as {style}", f"Call {found} now", f"Call {expected} now")
        for found in ("800.555.0100", "+1 (800) 555-0100", "1-800-555-0100", "8005550100")
    )


GROUPS = (
    Group("Separators", SEPARATORS),
    Group("Prefixes and grouping", PREFIXES),
    Group("Extensions and pauses", TAILS),
    Group("What may stand beside a number", NEIGHBOURS),
    Group("What is no number", (*MUST_NOT, Case("but this is", "800-555-0100", "888-869-5345"))),
    Group(
        "Vanity numbers",
        VANITY,
        pools=(Pool(FLOWERS, FLOWERS_NUMBER),),
        asked=(FLOWERS,),
    ),
    Group(
        "A number of another country",
        OTHER_LENGTH,
        pools=(Pool(TARGET, "+442079460123"),),
    ),
    Group(
        "data-format=national", formatted("national", "(888) 869-5345"), tag="data-format=national"
    ),
    Group(
        "data-format=international",
        formatted("international", "+1 888-869-5345"),
        tag="data-format=international",
    ),
    Group("data-format=e164", formatted("e164", "+18888695345"), tag="data-format=e164"),
)
