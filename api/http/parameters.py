"""Parameters that several audiences' operations have, for ``/openapi.json``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.description import parameter

NotEmpty = Annotated[str, Meta(min_length=1)]

VISITOR = Annotated[str, Meta(pattern="^[A-Za-z0-9._:~-]{0,128}$")]

POOL = parameter("pool", where="path", text="The pool's id", example="ad-placement")
