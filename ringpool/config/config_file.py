"""The configuration file: YAML to structs with every fault named, and back."""

from __future__ import annotations

import msgspec
import yaml
from msgspec import UNSET

from ringpool.config import codec, yaml_document
from ringpool.config.draft import Draft
from ringpool.config.validation import find_faults
from ringpool.faults import MAX_TEXT, Fault, Faults
from ringpool.model import SECTIONS, Configuration
from ringpool.printable import is_printable

_NOTHING = Configuration()


def read(text: str, known: Configuration = _NOTHING) -> Configuration:
    """Read a configuration file; raises Faults, one for each thing wrong, in document order.

    ``known``: what is configured already, so that a file may name accounts and stocks that
    another file made. Where its numbers are left out, it isn't checked how many of them a pool
    keeps.
    """
    draft = read_draft(text, known)
    if draft.faults:
        raise Faults(draft.faults_in_order())
    return draft.configuration()


def read_draft(text: str, known: Configuration = _NOTHING) -> Draft:
    """Read a configuration file with all that is wrong with it, as ``read`` would raise it.

    Raises Faults for text of which no more than that can be read, or in which too much is wrong.
    """
    draft = Draft()
    document = yaml_document.load(text, draft.faults)
    if document is None:  # an empty file asks for nothing
        return draft
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
    find_faults(draft, known)
    return draft


def located(faults: Faults, text: str, name: str) -> Faults:
    """Return the faults of a file of this name with the line of each: ``… (pools.yaml:12)``."""
    try:
        places = yaml_document.Places(text)
    except (yaml.YAMLError, ValueError):  # it can't be read, and its faults say where that is
        return faults
    return Faults(_at(fault, places.line(fault.field), name) for fault in faults.faults)


def _at(fault: Fault, line: int, name: str) -> Fault:
    if not line:
        return fault
    where = f" ({name}:{line})"
    return Fault(fault.field, fault.message[: MAX_TEXT - len(where)] + where)


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
    for name, default in codec.defaults(type(struct)):
        value = getattr(struct, name)
        if value == default or value is UNSET:
            continue
        if isinstance(value, msgspec.Struct):
            values[name] = _plain(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            values[name] = [_plain(item) for item in value]
        else:
            values[name] = msgspec.to_builtins(value, enc_hook=codec.encode_hook)
    return values
