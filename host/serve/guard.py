"""The guard decides who may talk to the page. Where it is bound to the loopback, browsers of this
machine may; else those who know the token. Other sites that a browser has open may not.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "samfabric"
KEPT_S = 30 * 24 * 3600
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security: nothing from elsewhere, no scripts in the page itself."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Tells whether a name or address belongs to this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """The guard wraps the application. token is what a visitor must know; where it is None only
    names of the loopback are answered, so that no other site can reach the page under a name of its
    own.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            if scope["type"] == "websocket":
                await receive()  # its opening
                await send({"type": "websocket.close", "code": 1008, "reason": refusal})
            else:
                await PlainTextResponse(refusal + "\n", 403)(scope, receive, send)
            return
        given = self._given(scope)
        if given is not None and scope["type"] == "http" and scope["path"] == "/":
            await self._welcome(scope, given)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    own.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self._token is None:
            name = urlsplit(f"//{host}").hostname or ""
            if not is_loopback(name):
                return f"this page answers to localhost, not to {host[:80]!r}"
        elif not self._knows(scope, headers):
            return "a token is needed: open the address that samfabric serve printed"
        origin = headers.get("origin")
        if scope["type"] == "websocket" and origin is not None and urlsplit(origin).netloc != host:
            return "another site may not steer this page"
        return None

    def _given(self, scope: Scope) -> str | None:
        """The token in the address."""
        said = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
        return said[-1] if said else None

    def _knows(self, scope: Scope, headers: Headers) -> bool:
        assert self._token is not None
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        said = [self._given(scope), None if cookie is None else cookie.value]
        wanted = self._token.encode()
        return any(one is not None and hmac.compare_digest(one.encode(), wanted) for one in said)

    def _welcome(self, scope: Scope, token: str) -> RedirectResponse:
        """Keeps the token in a cookie and takes it out of the address."""
        rest = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        rest.pop("token", None)
        query = urlencode(rest, doseq=True)
        answer = RedirectResponse("/" + (f"?{query}" if query else ""), 303)
        if self._token is not None:
            answer.set_cookie(COOKIE, token, max_age=KEPT_S, httponly=True, samesite="strict")
        return answer
