"""A process that takes spans and counts them, so that whoever is measured does not do it: `python -m bench.otlp_sink`.

Prints its address. For each line on stdin it prints how many spans have come; it ends with stdin.
"""

import asyncio
import gzip
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.http import serving


async def main() -> None:
    """Serve until stdin ends."""
    count = 0

    async def traces(request: Request) -> Response:
        nonlocal count
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            count += sum(len(scope.spans) for scope in of_resource.scope_spans)
        return Response(media_type="application/x-protobuf")

    async with serving("127.0.0.1", 0, Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])) as port:
        print(f"http://127.0.0.1:{port}", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(count, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
