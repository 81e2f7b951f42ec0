"""The configuration file: YAML to structs with every fault named, and back."""

from __future__ import annotations

import msgspec
import yaml
from msgspec import UNSET

from ringpool.config import codec, yaml_document
from ringpool.config.draft import Draft
from ringpool.config.validation import check_draft
from ringpool.faults import Fault, Faults
from ringpool.model import SECTIONS, Configuration
from ringpool.printable import is_printable

_NOTHING = Configuration()


def read(text: str, known: Configuration = _NOTHING) -> Configuration:
    """Read a configuration file; raises Faults, one for each thing wrong, in document order.

    ``known``: what is configured already, so that a file may name accounts and stocks that
    another file made. Where its numbers are left out, it isn't checked how many of them a pool
    keeps.
    """
    document = yaml_document.load(text)
    if document is None:  # an empty file asks for nothing
        return _NOTHING
    draft = Draft()
    if not isinstance(document, dict):
        raise Faults([Fault("document", "expected the keys accounts, pools, stocks")])
    for section, entities in document.items():
        if section not in SECTIONS:
            draft.fault(codec.key_text(section), f"unknown key; known are {', '.join(SECTIONS)}")
        elif not isinstance(entities, list | None):
            draft.fault(section, "expected a list")
        else:
            for index, value in enumerate(entities or ()):
                draft.add_plain(section, index, value)
    return check_draft(draft, known)


def write(configuration: Configuration) -> str:
    """Write the file that ``read`` turns into the same configuration; defaults are left out.

    Nothing in it steers a terminal that it is printed on.
    """
    plain = _plain(configuration)
    if not plain:
        return ""
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    if not is_printable(text):  # then every character that isn't ASCII is written as an escape
        text = yaml.safe_dump(plain, sort_keys=False, width=100)
    return text


def _plain(struct: msgspec.Struct) -> dict[str, object]:
    """Return the fields that aren't at their defaults, in the order of the struct."""
    values: dict[str, object] = {}
    for spec in msgspec.structs.fields(struct):
        value = getattr(struct, spec.name)
        if value == spec.default or value is UNSET:
            continue
        if isinstance(value, msgspec.Struct):
            values[spec.name] = _plain(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            values[spec.name] = [_plain(item) for item in value]
        else:
            values[spec.name] = msgspec.to_builtins(value, enc_hook=codec.encode_hook)
    return values
