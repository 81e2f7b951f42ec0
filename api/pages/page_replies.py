"""How pages are answered: JSON, or JSONP for a script tag with a callback; errors too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.http import replies
from api.http.refusals import Headers, Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins
from api.pages.swap_answers import SwapError, Swaps
from ringpool.faults import Fault
from ringpool.visits.queries import read_query

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,63}")


def callback_name(parameters: Mapping[str, str]) -> str:
    """The name of the page's function; "" without ``callback``, which means plain JSON.

    Raises a Fault for what is no name.
    """
    name = parameters.get("callback", "")
    if "callback" in parameters and not is_callback(name):
        raise Fault("callback", "expected a function's name, 64 characters at most")
    return name


def is_callback(name: str) -> bool:
    """Whether this may be written into a script as the name of a function."""
    return _CALLBACK.fullmatch(name) is not None


def page_reply(callback: str, value: object, cors: Headers) -> Reply:
    """JSONP for a callback (checked before), JSON without one ("")."""
    return replies.jsonp(callback, value, cors) if callback else replies.json(value, headers=cors)


def error_form(request: Request, refused: Refusal) -> Reply:
    """``{"error": …, "swaps": []}``: as JSONP with status 200 when there is a valid callback.

    For a server with a key it is JSON always, and no page may read it.
    """
    value = Swaps(error=SwapError(class_=refused.kind, message=refused.message), swaps=())
    if request.bearer():
        return replies.json(value, refused.status, refused.headers)
    headers = list(refused.headers)
    callback = read_query(request.query_string, lenient=True).get("callback", "")
    if request.method == "GET" and is_callback(callback):
        # A foreign page may read why it is refused: the script asks with crossorigin.
        return replies.jsonp(callback, value, [*headers, origins.ANY])
    return replies.json(
        value, refused.status, headers if refused.status == 403 else [*headers, origins.ANY]
    )
