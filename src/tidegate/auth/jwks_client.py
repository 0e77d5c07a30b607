"""Fetching a JWKS document: small, soon, and from whom we asked."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import httpx

from tidegate.errors import ConfigError

__all__ = ["MAX_DOCUMENT_SIZE", "JWKSClient"]

MAX_DOCUMENT_SIZE = 1024 * 1024
"""Bytes; real ones have a few thousand."""

_MAX_REDIRECTS = 3


class JWKSClient:
    """Fetches one URL; connections are opened at the first fetch, certificates are verified.

    Args:
        url: An https URL, or an http one to this machine.
        timeout: Seconds for one fetch, from the first packet to the last.
        allow_http: Permit plain http to other machines.

    Attributes:
        server_time: Unix seconds by the server's clock when it answered last, give or take one;
            None if it did not tell.

    Raises:
        ConfigError: The URL is none of these.
    """

    def __init__(self, url: str, *, timeout: float, allow_http: bool) -> None:
        self._url = _checked_url(url, allow_http=allow_http)
        self.server_time: float | None = None
        self._timeout = timeout
        self._http: httpx.AsyncClient | None = None

    @property
    def host(self) -> str:
        """The host, for logs: a URL's query may hold credentials."""
        return self._url.host

    async def fetch(self) -> bytes:
        """Return the document.

        Raises:
            httpx.HTTPError: No connection, or a bad redirect.
            TimeoutError: It took too long.
            ValueError: The answer is none: not status 200, too large, or compressed.
        """
        async with asyncio.timeout(self._timeout), self._client().stream("GET", self._url) as reply:
            self.server_time = _time_of(reply.headers)
            if reply.status_code != httpx.codes.OK:
                raise ValueError(f"the answer has status {reply.status_code}")
            # We asked for no compression: a small answer must not unfold into a huge one.
            if reply.headers.get("Content-Encoding", "identity") != "identity":
                raise ValueError("the answer is compressed")
            document = bytearray()
            async for chunk in reply.aiter_raw():
                document += chunk
                if len(document) > MAX_DOCUMENT_SIZE:
                    raise ValueError(f"the answer is longer than {MAX_DOCUMENT_SIZE} bytes")
            return bytes(document)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=self._timeout,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                follow_redirects=True,
                max_redirects=_MAX_REDIRECTS,
                event_hooks={"request": [self._refuse_downgrade]},
            )
        return self._http

    async def _refuse_downgrade(self, request: httpx.Request) -> None:
        """Refuse a redirect from https to http, or from an http host to another one."""
        if request.url.scheme == "https":
            return
        if (request.url.scheme, request.url.host) != (self._url.scheme, self._url.host):
            raise httpx.UnsupportedProtocol("redirected to plain http", request=request)


def _time_of(headers: httpx.Headers) -> float | None:
    """Return when an answer was sent; one that a cache kept has its age beside its date."""
    try:
        date = parsedate_to_datetime(headers["Date"]).timestamp()
        return date + float(headers.get("Age", 0)) + 0.5  # of the second that is cut off
    except (LookupError, ValueError, OverflowError):
        return None


def _checked_url(text: str, *, allow_http: bool) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise _bad_url("is not a URL") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise _bad_url("is not an https URL")
    if url.userinfo:
        raise _bad_url("holds a user name or password, which would end up in logs")
    if url.scheme == "http" and not (allow_http or _is_loopback(url.host)):
        raise _bad_url("is plain http: whoever is on the way could put keys of their own there")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bad_url(problem: str) -> ConfigError:
    remedy = "Write the issuer's https URL, such as https://login.example.com/jwks.json."
    return ConfigError("auth.jwks_url", problem, remedy=remedy)
