"""The built page as static files, and the headers that every answer carries."""

import hashlib
import re
from os import PathLike, stat_result
from pathlib import Path, PurePath
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOT_BUILT: Final = "The page is not built. Run `make page`, then load this again.\n"

# Nothing but what the page is made of: its own files, no inline script or style, no form, no frame, no plug-in, no
# strings that become code or markup. `connect-src 'self'` covers the socket too: CSP 3 matches ws: to an http: page of
# the same host and port. WebRTC is under no directive.
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Python asks the machine it runs on (/etc/mime.types), which differs, and nosniff makes a wrong type a broken page.
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_HASHED: Final = re.compile(r"/assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+(\.map)?$")  # as Vite names its output
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"


class Page(StaticFiles):
    """The files under one directory, which may be built, or built anew, while this serves."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)
        self._index = directory / "index.html"

    async def check_config(self) -> None:
        """A directory that is missing is answered for, at each request, by `get_response`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and not await to_thread.run_sync(self._index.is_file):
                return PlainTextResponse(NOT_BUILT, status_code=404)
            raise

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        suffix = PurePath(full_path).suffix
        if suffix == ".html":
            return self._html(Path(full_path), scope, status_code)
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = _FOR_EVER if _HASHED.search(scope["path"]) else _ASK_FIRST
        if isinstance(response, FileResponse):
            kind = _TYPES.get(suffix, "application/octet-stream")
            response.headers["Content-Type"] = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return response

    def _html(self, file: Path, scope: Scope, status_code: int) -> Response:
        # Starlette's tag is of time and size. A new build's index.html has the same size, since only hashes in it
        # differ, and in an image the same time: browsers would keep one that names files which are gone.
        content = file.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        response = HTMLResponse(content, status_code, headers={"Cache-Control": _ASK_FIRST, "ETag": tag})
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response


class SecurityHeaders:
    """Middleware: the same strict headers on every answer, errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)
