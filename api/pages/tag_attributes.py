"""What the script's tag attributes mean when they come in its address, for ``/openapi.json``.

``tag_options`` says which there are, and what each may be.
"""

from __future__ import annotations

from api.http.description import parameter
from api.pages.tag_options import NAMES

_MEANINGS = {
    "data-targets": (
        "Only these of the account's targets: numbers in E.164, with commas",
        "+18005550100,+442071838750",
    ),
    "data-format": ("How numbers are written, in the place of the pool's `format`", "national"),
    "data-timeout": ("How long `data-hide-until` hides at most, in milliseconds", "1500"),
    "data-consent": ("`required`: nothing is stored before the visitor consents", "required"),
    "data-days": ("How long first and last touch are kept, in days", "30"),
    "data-selector": (
        "CSS selector of elements whose number, whatever it is, is swapped as the first target",
        ".phone",
    ),
    "data-hide-until": ("CSS selector of what is invisible until the answer is there", ".phone"),
    "data-show": ("CSS selector of what is shown while a number is swapped in", ".call-now"),
    "data-hide": ("CSS selector of what is removed while a number is swapped in", ".write-us"),
    "data-invisible": (
        "CSS selector of what is invisible, in its place, while a number is swapped in",
        ".opening-hours",
    ),
    "data-click-to-call": ("On phones, swapped numbers become links that dial", "true"),
    "data-jsonld": ("Numbers in JSON-LD are swapped too", "true"),
    "data-params": (
        "Parameters that this page adds to the tuple, as in a query",
        "section=footer&path=home",
    ),
    "data-cookies": (
        "Names of cookies to send as `cookie.NAME`, with consent, with commas",
        "_ga,_fbp",
    ),
    "data-attributes": (
        "Names of further attributes to swap, such as those that a script dials, with commas",
        "data-phone,data-dial",
    ),
    "data-debug": ("A report of each visit on the console", "true"),
}
"""What each attribute does, and an example of its value."""


# Any text is taken: for a wrong one the script is one that says so on the page's console.
TAG_ATTRIBUTES = tuple(
    parameter(name, text=_MEANINGS[name][0], example=_MEANINGS[name][1]) for name in NAMES
)
"""The parameters of the script's address that stand for attributes of its tag."""
