"""A route's ASGI app: picks the handler of the method, and turns what it raises into an answer.

Raw ASGI under Starlette's routing: one parse, one encode, two ``send`` calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from api.http.description import Operation
from api.http.refusals import Headers, Refusal, Refused, method_not_allowed, refusal
from api.http.replies import Reply, problem
from api.http.request import Request

Handler = Callable[[Request], Awaitable[Reply]]
ErrorForm = Callable[[Request, Refusal], Reply]
"""How errors are written for an audience: problem+json, XML, plain text, JSONP."""


def problem_form(_request: Request, refused: Refusal) -> Reply:
    """The error form of all who have no form of their own: problem+json."""
    return problem(refused)


async def deliver(reply: Reply, headers: Headers, scope: Scope, send: Send) -> None:
    """Send a reply with these headers; to a HEAD request, without its body."""
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})


class Endpoint:
    """One path. HEAD runs the GET handler (which must take nothing then) and drops the body.

    ``operations``: what ``/openapi.json`` says of it; without any, it isn't listed there.
    ``scopes``: by method, one of which an account's key needs, as the operations say.
    """

    def __init__(
        self,
        name: str,
        error_form: ErrorForm,
        handlers: Mapping[str, Handler],
        operations: Sequence[Operation] = (),
    ) -> None:
        self.name = name
        self.operations = operations
        self.scopes = {each.method: each.scopes for each in operations if each.scopes}
        self._error_form = error_form
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
            if "GET" in self.scopes:
                self.scopes["HEAD"] = self.scopes["GET"]
        self._allowed = sorted(self._handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self.answer(scope, receive)
        await deliver(reply, reply.headers, scope, send)

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """The whole answer; a HEAD's has a body that isn't to be sent."""
        request = Request(scope, receive)
        method = request.method
        try:
            handler = self._handlers.get(method)
            if handler is None:
                raise method_not_allowed(self._allowed)
            return await handler(request)
        except Refused as error:
            refused = refusal(error)
            scope["refused"] = refused.kind
            return self._error_form(request, refused)

    def refuse(self, scope: Scope, receive: Receive, refused: Refusal) -> Reply:
        """A refusal that was decided before this endpoint was asked, in its form."""
        return self._error_form(Request(scope, receive), refused)
