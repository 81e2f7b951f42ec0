"""Cases as data: the places of a page that a number may stand in."""

from __future__ import annotations

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.case import Case, Group, kept, swapped
from tests.snippet.conformance.site import NUMBER, SUPPORT, SUPPORT_NUMBER, TARGET

ELEMENTS = tuple(
    swapped(f"in {name}", html)
    for name, html in (
        ("a paragraph", "<p>@</p>"),
        ("a heading", "<h1>Call @</h1>"),
        ("a link with another address", '<a href="/contact">@</a>'),
        ("a button", "<button>@</button>"),
        ("a label", "<label>@</label>"),
        ("a legend", "<fieldset><legend>@</legend></fieldset>"),
        ("a caption", "<table><caption>@</caption></table>"),
        ("a table cell", "<table><tbody><tr><td>@</td></tr></tbody></table>"),
        ("a definition", "<dl><dt>Tel</dt><dd>@</dd></dl>"),
        ("a list", "<ol><li>@</li></ol>"),
        ("an option", "<select><option>@</option></select>"),
        ("an address", "<address>@</address>"),
        ("a quotation", "<blockquote>@</blockquote>"),
        ("preformatted text", "<pre>  @\n</pre>"),
        ("code", "<code>@</code>"),
        ("a figure's caption", "<figure><figcaption>@</figcaption></figure>"),
        ("a custom element", "<x-phone>@</x-phone>"),
        ("SVG text", '<svg><text x="1">@</text></svg>'),
        ("an SVG title", "<svg><title>@</title></svg>"),
        ("SVG spans", "<svg><text><tspan>Call</tspan><tspan>@</tspan></text></svg>"),
        ("HTML inside SVG", "<svg><foreignObject><p>@</p></foreignObject></svg>"),
        ("a hidden part", "<div hidden>@</div>"),
        ("a part that isn't displayed", '<div style="display:none">@</div>'),
        ("an invisible part", '<div style="visibility:hidden">@</div>'),
        ("a collapsed part", "<details><summary>Call</summary>@</details>"),
        ("a closed dialog", "<dialog>@</dialog>"),
        ("an inert part", "<div inert>@</div>"),
        ("a read-only island", '<div contenteditable="false">@</div>'),
        (
            "a read-only island of an editor",
            '<div contenteditable="true"><p contenteditable="false">@</p></div>',
        ),
        (
            "a read-only island in an editor's line",
            '<p contenteditable="">Call <b contenteditable="false">@</b> now</p>',
        ),
        (
            "an attribute of a read-only island",
            '<div contenteditable="true"><b contenteditable="false"><i title="@">a</i></b></div>',
        ),
        ("another language", '<p lang="ar" dir="rtl">اتصل @</p>'),
        ("a progress text", "<output>@</output>"),
        ("a marquee", "<marquee>@</marquee>"),
    )
)

ATTRIBUTES = tuple(
    swapped(f"in {name}", html)
    for name, html in (
        ("aria-label", '<button aria-label="Call @">✆</button>'),
        ("aria-description", '<button aria-description="Call @">✆</button>'),
        ("aria-placeholder", '<div role="textbox" aria-placeholder="@">a</div>'),
        ("aria-valuetext", '<div role="slider" aria-valuetext="Line 1: @">a</div>'),
        ("an option's label", '<select><option label="Call @">a</option></select>'),
        ("a group's label", '<select><optgroup label="Call @"></optgroup></select>'),
        ("a track's label", '<video><track label="Call @"></video>'),
        ("title", '<abbr title="Call @">Tel</abbr>'),
        ("alt", '<img alt="Call @">'),
        ("placeholder", '<input placeholder="@">'),
        ("placeholder of a textarea", '<textarea placeholder="@"></textarea>'),
        ("a button's value", '<input type="button" value="Call @">'),
        ("a submit button's value", '<input type="submit" value="Call @">'),
        ("a reset button's value", '<input type="reset" value="Call @">'),
        ("an image button's alt", '<input type="image" alt="Call @">'),
        ("an area's alt", '<map><area alt="@"></map>'),
        ("an SVG's aria-label", '<svg aria-label="@"></svg>'),
        ("both text and attribute", '<a href="/x" title="@">@</a>'),
    )
)

LINKS = tuple(
    Case(name, html, expected)
    for name, html, expected in (
        (
            "tel: becomes E.164, its text as found",
            '<a href="tel:8005550100">800.555.0100</a>',
            '<a href="tel:+18888695345">888.869.5345</a>',
        ),
        (
            "tel: with another text",
            '<a href="tel:+1-800-555-0100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "callto:",
            '<a href="callto:1-800-555-0100">Call us</a>',
            '<a href="callto:+18888695345">Call us</a>',
        ),
        (
            "skype:",
            '<a href="skype:+18005550100?call">Call us</a>',
            '<a href="skype:+18888695345?call">Call us</a>',
        ),
        (
            "facetime:",
            '<a href="facetime:800-555-0100">Call us</a>',
            '<a href="facetime:+18888695345">Call us</a>',
        ),
        (
            "facetime-audio:",
            '<a href="facetime-audio://18005550100">Call us</a>',
            '<a href="facetime-audio:+18888695345">Call us</a>',
        ),
        (
            "a button's formaction",
            '<form><button formaction="tel:8005550100">Call us</button></form>',
            '<form><button formaction="tel:+18888695345">Call us</button></form>',
        ),
        (
            "an SVG link's xlink:href, as its text",
            '<svg><a xlink:href="tel:+18005550100"><text>800-555-0100</text></a></svg>',
            '<svg><a xlink:href="tel:+18888695345"><text>888-869-5345</text></a></svg>',
        ),
        (
            "TEL: in capitals",
            '<a href="TEL:8005550100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "tel: with blanks and brackets",
            '<a href="tel:(800) 555-0100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "tel: with escapes",
            '<a href="tel:%2B1%20800%20555%200100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "tel: after a blank",
            '<a href=" tel:8005550100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "tel:// ",
            '<a href="tel://18005550100">Call us</a>',
            '<a href="tel:+18888695345">Call us</a>',
        ),
        (
            "tel: with an extension",
            '<a href="tel:+18005550100;ext=12">Call us</a>',
            '<a href="tel:+18888695345;ext=12">Call us</a>',
        ),
        (
            "tel: with a pause",
            '<a href="tel:+18005550100,,12#">Call us</a>',
            '<a href="tel:+18888695345,,12#">Call us</a>',
        ),
        (
            "text of the target, href of another",
            '<a href="tel:+12125550199">800-555-0100</a>',
            '<a href="tel:+12125550199">888-869-5345</a>',
        ),
        (
            "an area's tel:",
            '<map><area href="tel:+18005550100" alt="Call"></map>',
            '<map><area href="tel:+18888695345" alt="Call"></map>',
        ),
        (
            "an SVG link's tel:",
            '<svg><a href="tel:+18005550100"><text>Call</text></a></svg>',
            '<svg><a href="tel:+18888695345"><text>Call</text></a></svg>',
        ),
        ("a name that ends in the number", '<a href="skype:joe8005550100?chat">Write</a>', None),
        ("a SIP address", '<a href="sip:8005550100@x.example">Call us</a>', None),
        ("another number's tel:", '<a href="tel:+12125550199">Call us</a>', None),
        ("another country's tel:", '<a href="tel:+498005550100">Call us</a>', None),
        ("sms:", '<a href="sms:+18005550100">Text us</a>', None),
        ("a messenger's link", '<a href="https://wa.me/18005550100">Chat</a>', None),
        ("a link to a page", '<a href="/call/8005550100">Call us</a>', None),
        ("mailto:", '<a href="mailto:8005550100@x.example">Write</a>', None),
        ("javascript:", "<a href=\"javascript:call('8005550100')\">Call us</a>", None),
    )
)

SPLIT = tuple(
    Case(name, html, expected)
    for name, html, expected in (
        (
            "each group in an element",
            "<b>800</b>-<i>555</i>-<u>0100</u>",
            "<b>888</b>-<i>869</i>-<u>5345</u>",
        ),
        (
            "the area code in an element",
            "(<strong>800</strong>) 555-0100",
            "(<strong>888</strong>) 869-5345",
        ),
        (
            "brackets in the element",
            "<span>(800)</span> 555-0100",
            "<span>(888)</span> 869-5345",
        ),
        (
            "each digit in an element",
            "".join(f"<span>{digit}</span>" for digit in "8005550100"),
            "".join(f"<span>{digit}</span>" for digit in "8888695345"),
        ),
        (
            "the country code in an element",
            "<small>+1</small> 800 555 0100",
            "<small>+1</small> 888 869 5345",
        ),
        ("a comment between", "800-<!-- 1 -->555-0100", "888-<!-- 1 -->869-5345"),
        ("a break opportunity", "800-<wbr>555-<wbr>0100", "888-<wbr>869-<wbr>5345"),
        (
            "nested elements",
            "<a><span><em>800</em>.555</span></a>.0100",
            "<a><span><em>888</em>.869</span></a>.5345",
        ),
        (
            "a link over a part",
            '<a href="/x">800</a> 555 0100',
            '<a href="/x">888</a> 869 5345',
        ),
        (
            "an abbreviation and code",
            "<abbr>800</abbr>-<code>555-0100</code>",
            "<abbr>888</abbr>-<code>869-5345</code>",
        ),
        (
            "a time and data",
            "<time>800</time>.<data>555</data>.0100",
            "<time>888</time>.<data>869</data>.5345",
        ),
        (
            "a label of a part",
            "800 <label>555</label> 0100",
            "888 <label>869</label> 5345",
        ),
        (
            "isolated text",
            "<bdi>(800)</bdi> <bdo>555</bdo>-0100",
            "<bdi>(888)</bdi> <bdo>869</bdo>-5345",
        ),
        (
            "a label before in an element",
            "<b>Tel</b>800-555-0100",
            "<b>Tel</b>888-869-5345",
        ),
        (
            "spans of SVG",
            "<svg><text><tspan>800</tspan>-555-0100</text></svg>",
            "<svg><text><tspan>888</tspan>-869-5345</text></svg>",
        ),
        ("a digit beside, in an element", "<b>9</b>800-555-0100", None),
        ("a code's letters in an element", "<b>AB</b>-800-555-0100", None),
        ("a currency in an element", "<sup>$</sup>8005550100", None),
    )
)

NOT_HERE = tuple(
    kept(f"not in {name}", html)
    for name, html in (
        ("a script", '<script type="text/plain">@</script>'),
        ("a script's strings", '<script>window.phone = "@"</script>'),
        ("JSON-LD", '<script type="application/ld+json">{"telephone": "@"}</script>'),
        ("a style", "<style>.a::after {content: '@'}</style>"),
        ("a textarea", "<textarea>@</textarea>"),
        ("a text field", '<input value="@">'),
        ("a phone field", '<input type="tel" value="@">'),
        ("a hidden field", '<input type="hidden" value="@">'),
        ("an option's value", '<select><option value="@">Call</option></select>'),
        ("an editor", '<div contenteditable="true">@</div>'),
        ("an editor without a value", '<div contenteditable="">@</div>'),
        ("an editor for plain text", '<div contenteditable="plaintext-only">@</div>'),
        ("an element inside an editor", '<div contenteditable="true"><p><b>@</b></p></div>'),
        (
            "an editor inside a read-only island",
            '<div contenteditable><p contenteditable="false"><b contenteditable>@</b></p></div>',
        ),
        ("text beside an island", '<p contenteditable>@ <b contenteditable="false">a</b></p>'),
        ("an attribute inside an editor", '<div contenteditable="true"><img alt="@"></div>'),
        ("data-rp-noswap", "<p data-rp-noswap>@</p>"),
        ("an element inside data-rp-noswap", '<div data-rp-noswap=""><p><b>@</b></p></div>'),
        (
            "an attribute inside data-rp-noswap",
            '<div data-rp-noswap=""><a href="tel:@" title="@">a</a></div>',
        ),
        ("an inline element with data-rp-noswap", 'or <b data-rp-noswap="">@</b>'),
        ("a template", "<template><p>@</p></template>"),
        ("a comment", "<!-- @ -->"),
        ("a data attribute", '<p data-phone="@">a</p>'),
        ("an id", '<p id="@">a</p>'),
        ("a class", '<p class="@">a</p>'),
        ("a name", '<input name="@">'),
        ("a button's data", '<button value="@">a</button>'),
        ("a picture's address", '<img src="data:,@" alt="">'),
        ("a form's action", '<form action="/call/@"></form>'),
        ("meta data", '<meta content="@">'),
        ("an event handler", "<a onclick=\"call('@')\">a</a>"),
    )
)

ONLY_SEEN = (
    swapped("the one that stands on the page", "<p>@</p>"),
    Case("and another number", "<p>800-555-0133</p>"),
)

_TWO = (Pool(TARGET, NUMBER), Pool(SUPPORT, SUPPORT_NUMBER, id="support"))

GROUPS = (
    Group("Elements", ELEMENTS),
    Group("Attributes", ATTRIBUTES),
    Group("Links that dial", LINKS),
    Group("Numbers spread over elements", SPLIT),
    Group("Places that stay", (*NOT_HERE, swapped("but this is swapped", "<p>@</p>"))),
    Group("Only targets that stand on the page are asked for", ONLY_SEEN, pools=_TWO),
    Group(
        "data-targets",
        (
            swapped("a named target", "<p>@</p>"),
            kept("a target that isn't named", "<p>800-555-0177</p>"),
        ),
        pools=_TWO,
        tag=f'data-targets="{TARGET}"',
    ),
    Group(
        "data-attributes",
        (
            swapped("a named attribute", '<p data-phone="@">a</p>'),
            Case(
                "an address that a script dials",
                '<b data-dial="tel:8005550100">a</b>',
                '<b data-dial="tel:8888695345">a</b>',
            ),
            swapped("the attributes that are swapped anyway", '<p title="@">a</p>'),
            kept("an attribute that isn't named", '<p data-tel="@">a</p>'),
        ),
        tag='data-attributes="data-phone, data-dial"',
    ),
    Group(
        "data-jsonld",
        (
            swapped(
                "JSON-LD, opted in",
                '<script type="application/ld+json">{"telephone": "@"}</script>',
            ),
            kept("any other script", '<script type="application/json">{"a": "@"}</script>'),
            kept("code", '<script>window.phone = "@"</script>'),
        ),
        tag="data-jsonld",
    ),
    Group(
        "No target on the page",
        (Case("another number", "<p>212-555-0199</p>"), Case("no number", "<p>Hello</p>")),
        asked=(),
    ),
)
