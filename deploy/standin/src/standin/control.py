"""The endpoints under /__standin__, for tests; they exist only in a stand-in started as scriptable.

POST   /__standin__/script     a JSON list of script steps, queued behind what is there
DELETE /__standin__/script     forget the steps queued
GET    /__standin__/requests   the requests seen; `?at_least=N&timeout=S` waits until N have been seen in all
POST   /__standin__/release    end every hang that is going on
PUT    /__standin__/model      where the model is from now on: a JSON string, loaded, not-loaded or absent
"""

import math
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standin.chat_request import BODY_MAX_BYTES, Json
from standin.journal import Journal
from standin.lmstudio import encode
from standin.script import SCRIPT, Script, ScriptError
from standin.shelf import Place, Shelf

WAIT_MAX_S: Final = 60.0


def control_routes(script: Script, journal: Journal, shelf: Shelf, release: Callable[[], None]) -> list[Route]:
    """The routes over this script, this journal and this shelf."""

    async def queue(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_MAX_BYTES:
                return JSONResponse({"error": "the script is over 1 MiB"}, status_code=413)
        try:
            script.add(SCRIPT.validate_json(bytes(body)))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"error": "not a list of script steps", "detail": faults}, status_code=422)
        except ScriptError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse({"queued": len(script)})

    async def forget(_: Request) -> Response:
        return JSONResponse({"dropped": script.clear()})

    async def requests(request: Request) -> Response:
        try:
            at_least = int(request.query_params.get("at_least", "0"))
            timeout = float(request.query_params.get("timeout", "5"))
        except ValueError:
            return JSONResponse({"error": "at_least and timeout are numbers"}, status_code=422)
        bounded = min(timeout, WAIT_MAX_S) if math.isfinite(timeout) else WAIT_MAX_S
        reached = await journal.wait(at_least, bounded)
        entries: list[Json] = [entry.to_json() for entry in journal.entries()]
        shown: Json = {"seen": journal.seen, "reached": reached, "queued": len(script), "requests": entries}
        return Response(encode(shown), media_type="application/json")

    async def let_go(_: Request) -> Response:
        release()
        return JSONResponse({"released": True})

    async def put_model(request: Request) -> Response:
        try:
            shelf.place = Place(await request.json())
        except ValueError:
            return JSONResponse({"error": f"a JSON string, one of {', '.join(Place)}"}, status_code=422)
        return JSONResponse({"model": shelf.place})

    return [
        Route("/__standin__/script", queue, methods=["POST"]),
        Route("/__standin__/script", forget, methods=["DELETE"]),
        Route("/__standin__/requests", requests),
        Route("/__standin__/release", let_go, methods=["POST"]),
        Route("/__standin__/model", put_model, methods=["PUT"]),
    ]
