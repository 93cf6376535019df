"""The MCP server: the SDK's low-level one, since only that lets a tool's schema, answers and errors be ours alone."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    NotificationParams,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from contracts.store import SearchRequest
from mcp_bridge import prompts, resources
from mcp_bridge.callers import CallerOf, Context
from mcp_bridge.calls import Room, call
from mcp_bridge.link import BusSource
from mcp_bridge.live import URIS_MAX, Live, TooManyError
from mcp_bridge.near import Known, nearest
from mcp_bridge.prompts import UnknownPromptError
from mcp_bridge.pushing import Pushing
from mcp_bridge.resources import NoSuchResourceError
from mcp_bridge.spans import traced
from mcp_bridge.store import AwayError, RefusedError, Store
from mcp_bridge.timing import timed
from mcp_bridge.tools import Tools
from mcp_bridge.wording import quoted

NAME: Final = "todo-agent"
INSTRUCTIONS: Final = (
    "To-do lists. Call get_all_todo_lists first: every other tool takes the ids it shows. Answers that begin with "
    "'verified' were read back from the database: report them, call nothing again. Errors say what to do. After an "
    "error that says so, repeat the call with its idempotency_key. undo_change takes a change back."
)
COMPLETIONS_MAX: Final = 20


class Bridge:
    """The handlers of one process."""

    def __init__(self, source: BusSource, tools: Tools, caller_of: CallerOf) -> None:
        self._source = source
        self._tools = tools
        self._caller_of = caller_of
        self._room = Room()
        self.live = Live(source)

    def server(self, pushing: Pushing | None = None) -> Server[Any]:
        """The SDK's server. With `pushing` it serves the one connection that news are pushed to."""
        server: Server[Any] = Server(
            NAME,
            version=version("todo-agent-mcp-bridge"),
            title="To-do lists, every change verified",
            instructions=INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="public")},
            get_tool_input_schema=lambda name: tool.input_schema if (tool := self._tools.get(name)) else None,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_templates,
            on_read_resource=self.read_resource,
            on_subscriptions_listen=self.listen,
            on_list_prompts=self.list_prompts,
            on_get_prompt=self.get_prompt,
            on_completion=self.complete,
        )
        server.middleware[:] = [traced, timed]
        if pushing is not None:
            _push(server, pushing)
        return server

    async def list_tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.listed for tool in self._tools.values()])

    async def call_tool(self, ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            near = nearest(params.name, (Known(name, name, name) for name in self._tools))
            meant = f" Did you mean {near[0].told}?" if near else ""
            there = ", ".join(self._tools)
            raise MCPError(INVALID_PARAMS, f"Unknown tool {quoted(params.name, 60)}.{meant} There are: {there}.")
        answer = await call(tool, params.arguments or {}, lambda: self._store(ctx), self._room)
        return answer.result()

    async def list_resources(self, ctx: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        with _errors():
            return await resources.listed(self._store(ctx), None if params is None else params.cursor)

    async def list_templates(self, _: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=[resources.TEMPLATE])

    async def read_resource(self, ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        with _errors(uri=params.uri):
            return await resources.read(self._store(ctx), str(params.uri))

    async def listen(self, ctx: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        uris = params.notifications.resource_subscriptions or []
        with _errors():
            if len(uris) > URIS_MAX:
                raise TooManyError
            caller = self._caller_of(ctx)
            async with self.live.feed(caller.owner) as feed:
                with feed.interest_in([str(uri) for uri in uris]):
                    return await _until_expired(feed.handler(ctx, params), caller.until)

    async def list_prompts(self, _: Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=list(prompts.PROMPTS))

    async def get_prompt(self, _: Context, params: GetPromptRequestParams) -> GetPromptResult:
        with _errors():
            return prompts.prompt(params.name, params.arguments or {})

    async def complete(self, ctx: Context, params: CompleteRequestParams) -> CompleteResult:
        """List ids for the resource template, list names for the prompt."""
        argument = params.argument
        with _errors():
            if argument.name not in {"list", "list_id"}:
                return CompleteResult(completion=Completion(values=[], total=0, has_more=False))
            store = self._store(ctx)
            rows = (await store.search(SearchRequest(owner=store.owner, limit=1, counts=True))).counts
            begun = argument.value.casefold()
            rows = tuple(row for row in rows if begun in row.name.casefold() or row.id.startswith(begun))
            values = [row.id if argument.name == "list_id" else row.name for row in rows]
            shown = values[:COMPLETIONS_MAX]
            return CompleteResult(
                completion=Completion(values=shown, total=len(values), has_more=len(values) > len(shown))
            )

    def _store(self, ctx: Context) -> Store:
        return Store(self._source, self._caller_of(ctx).owner)


async def _until_expired(
    listening: Awaitable[SubscriptionsListenResult], until: datetime | None
) -> SubscriptionsListenResult:
    left = None if until is None else (until - datetime.now(UTC)).total_seconds()
    try:
        async with asyncio.timeout(left):
            return await listening
    except TimeoutError as error:
        raise MCPError(INVALID_REQUEST, "the access token has expired; listen again with a new one") from error


def _push(server: Server[Any], pushing: Pushing) -> None:
    async def subscribe(_: Context, params: SubscribeRequestParams) -> EmptyResult:
        with _errors(uri=params.uri):
            resources.list_id_of(str(params.uri))
            await pushing.subscribe(str(params.uri))
        return EmptyResult()

    async def unsubscribe(_: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        pushing.unsubscribe(str(params.uri))
        return EmptyResult()

    async def initialized(ctx: Context, _: NotificationParams) -> None:
        pushing.begin(ctx.session)

    server.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)
    server.add_notification_handler("notifications/initialized", NotificationParams, initialized)


def initialization(server: Server[Any]) -> InitializationOptions:
    """What a connection of the older revisions is told, where news are pushed to it."""
    return server.create_initialization_options(NotificationOptions(resources_changed=True))


@contextmanager
def _errors(uri: object = None) -> Iterator[None]:
    """Turns what a handler raises into the protocol's errors, with texts of ours."""
    data = None if uri is None else {"uri": str(uri)}
    try:
        yield
    except (NoSuchResourceError, UnknownPromptError) as error:
        raise MCPError(INVALID_PARAMS, str(error), data) from error
    except (AwayError, RefusedError) as error:
        raise MCPError(INTERNAL_ERROR, f"the to-do store is away: {error.problem.detail}") from error
    except TooManyError as error:
        raise MCPError(INTERNAL_ERROR, "too much is watched already; end a subscription first") from error
    except TimeoutError as error:
        raise MCPError(INTERNAL_ERROR, "the to-do store is away; try again in a moment") from error
