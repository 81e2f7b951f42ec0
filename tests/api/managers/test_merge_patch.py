"""JSON merge patches, by the examples of RFC 7396."""

from __future__ import annotations

from typing import Any

import pytest

from api.managers.merge_patch import merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "b"}, {"a": {"b": {"c": None, "d": 1}}}, {"a": {"b": {"d": 1}}}),
    ],
)
def test_null_removes_and_objects_are_merged(
    document: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]
) -> None:
    """Everything else replaces; the document itself stays as it was."""
    before = repr(document)
    assert merge_patch(document, patch) == merged
    assert repr(document) == before
