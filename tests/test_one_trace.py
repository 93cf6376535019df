"""A turn is one trace through data channel, bus and database, exported because the standard variables say where to."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from client import AgentClient
from local_stack.temporary import running_stack, temporary_directory
from runtime.http import serving

CANARY = "quetzalcoatlus"


async def test_a_turns_spans_of_three_services_share_its_trace_and_hold_no_words_of_the_user() -> None:
    exported: list[ExportTraceServiceRequest] = []

    async def traces(request: Request) -> Response:
        exported.append(ExportTraceServiceRequest.FromString(await request.body()))
        return Response()

    collector = Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])
    with temporary_directory() as directory:
        async with serving("127.0.0.1", 0, collector) as port:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
            async with (
                running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2", environ=endpoint) as stack,
                AgentClient.connect(stack.url) as client,
            ):
                completed = await client.ask(f"create a list called {CANARY}")
            # Each service has flushed what it held when it was stopped.
    trace_id = completed.receipt.trace_id
    names: dict[str, set[str]] = {}
    for request in exported:
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            spans = [span for scope in resource.scope_spans for span in scope.spans]
            names.setdefault(service, set()).update(span.name for span in spans if span.trace_id.hex() == trace_id)
    assert {service for service, found in names.items() if found} == {"rtc-gateway", "agent", "todo-store"}
    assert {"PLAN", "EXECUTE", "CONFIRM", "chat", "request rpc.todo.v1.apply"} <= names["agent"]
    assert "process rpc.todo.v1.apply" in names["todo-store"]
    assert not [request for request in exported if CANARY.encode() in request.SerializeToString()]
