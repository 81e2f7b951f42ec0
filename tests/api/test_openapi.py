"""The API's description, and that it is true."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from schemathesis.checks import CheckContext  # noqa: F401

from api.app import create_app, routes
from api.openapi import description
from ringpool.settings import Settings
from tests import servers
from tests.api.conftest import ADMIN, KEY


def test_every_path_is_described() -> None:
    """A route without a description, or a description without a route, is forgotten work."""
    served = {route.path for route in routes()}
    number_api = "/api/v1/ring_pools/{pool}/allocate_number.{form}"
    described = {
        number_api if "allocate_number" in path else path for path in description()["paths"]
    }
    assert served == described
