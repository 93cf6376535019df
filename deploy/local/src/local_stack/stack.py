"""The whole stack: brought up side by side where nothing forbids it, watched, and stopped in order."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from bus.nats_bus import BusSettings
from local_stack import model, services
from local_stack.binaries import usable
from local_stack.child import Child, run_to_end
from local_stack.directory import DataDirectory
from local_stack.errors import StackError
from local_stack.journal import Journal
from local_stack.keeper import Keeper, Kept, Say
from local_stack.nats import Nats
from local_stack.passwords import Passwords, load_or_make
from local_stack.ports import LOOPBACK, free_port, host_of, outward_address
from local_stack.postgres import STORE_DATABASE, STORE_DRIVER, STORE_USER, Postgres
from local_stack.private_file import write_private
from local_stack.restarts import DEATHS_MAX, RestartPolicy
from local_stack.running import SignIn
from local_stack.scraping import write_targets
from local_stack.signing_in import LOCAL_OWNER, settings_of_signaling
from provision.errors import ProvisionError
from provision.topology import declare

READY_TIMEOUT_S: Final = 60.0
MIGRATION_TIMEOUT_S: Final = 120.0
SERVICES_STOP_S: Final = 8.0
STOP_S: Final = 10.0
STAGE_STOP_MIN_S: Final = 0.5
QUIT_S: Final = 2.0
TELL_AFTER_S: Final = 2.0


@dataclass(frozen=True)
class Options:
    """What `todo-agent up` was asked for. `scale` is by service, 1 where it is silent.

    More than `deaths` of one process within a minute end the stack.
    """

    port: int
    model_url: str | None = None
    standin: bool = False
    page: Path | None = None
    scale: Mapping[str, int] = field(default_factory=dict)
    deaths: int = DEATHS_MAX
    listen: str = LOOPBACK
    sign_in: SignIn | None = None

    @property
    def url(self) -> str:
        """Of the page, for this machine."""
        return f"http://{host_of(self.listen)}:{self.port}"

    @property
    def address(self) -> str:
        """Of the page, for others where they can reach it."""
        return f"http://{host_of(outward_address(self.listen))}:{self.port}"


class Stack:
    """One stack in one directory. `run`, then, however that ends, `shut_down`."""

    def __init__(self, options: Options, directory: DataDirectory, environ: Mapping[str, str], say: Say) -> None:
        self._options = options
        self._directory = directory
        self._environ = environ
        self._say = say
        self._keepers: list[Keeper] = []
        self._journals = ExitStack()

    async def run(self, ready: Callable[[], None]) -> None:
        """Bring everything up, call `ready`, and watch. Ends only by an exception: a group that holds StackErrors."""
        sign_in = self._options.sign_in
        passwords = load_or_make(self._directory.secrets, auth=sign_in is not None and sign_in.by == "data")
        binaries = usable(self._directory)
        nats = Nats.of(self._directory, binaries.nats_server, free_port())
        postgres = Postgres.of(self._directory, binaries.postgres, free_port())
        around = services.Surroundings(
            nats_url=nats.url,
            nats_passwords=passwords.bus,
            database_url=postgres.url(STORE_USER, passwords.store, STORE_DATABASE, driver=STORE_DRIVER),
            port=self._options.port,
            page=self._options.page,
            environ=self._environ,
            listen=self._options.listen,
            entering=settings_of_signaling(self._options.listen, sign_in, passwords.auth, self._environ),
        )
        nats.configure(passwords.bus)
        async with asyncio.TaskGroup() as group:
            bus = self._keep(group, Kept("nats", services.STAGE_NATS, lambda _: nats.command(), ready_path=None))
            data = group.create_task(self._bring_up_data(group, postgres, passwords, around))
            await bus.ready(timeout=READY_TIMEOUT_S)
            # It waits for its schema itself.
            for service in (services.TODO_STORE, services.RTC_GATEWAY, services.SIGNALING):
                self._keep_all(group, service, around)
            await _declared(nats.settings("topology", passwords.bus))
            around = await self._with_model(group, around)
            self._keep_all(group, services.AGENT, around)
            await data
            await asyncio.gather(*(keeper.ready(timeout=READY_TIMEOUT_S) for keeper in self._keepers))
            self._write_state(around)
            self._write_mcp(around)
            write_targets(self._directory.metrics, [keeper.kept for keeper in self._keepers])
            ready()

    async def shut_down(self, force: asyncio.Event) -> None:
        """Stop everything in order, in about STOP_S; at once when `force` is set. Leaves no process behind."""
        begun = time.monotonic()
        for keeper in self._keepers:
            keeper.retire()
        telling = asyncio.create_task(self._tell_what_is_late())
        try:
            for stage in sorted({keeper.kept.stage for keeper in self._keepers}):
                budget_s = STOP_S if stage >= services.STAGE_NATS else SERVICES_STOP_S
                # However long the ones before took: a moment for these, too.
                until = max(begun + budget_s, time.monotonic() + STAGE_STOP_MIN_S)
                await self._stop(stage, until=until, force=force)
        finally:
            telling.cancel()
            await self._end(self._running())
            self._journals.close()
            self._directory.state.unlink(missing_ok=True)
            self._directory.mcp.unlink(missing_ok=True)
            self._directory.metrics.unlink(missing_ok=True)

    async def _bring_up_data(
        self, group: asyncio.TaskGroup, postgres: Postgres, passwords: Passwords, around: services.Surroundings
    ) -> None:
        await postgres.initialise(passwords)
        server = Kept("postgres", services.STAGE_POSTGRES, lambda _: postgres.command(), ready_path=None)
        await self._keep(group, server).ready(timeout=READY_TIMEOUT_S)
        await run_to_end(
            "migration", services.migration(around), self._journal("migration"), timeout=MIGRATION_TIMEOUT_S
        )

    async def _with_model(self, group: asyncio.TaskGroup, around: services.Surroundings) -> services.Surroundings:
        choice = await model.choose(self._options.model_url, standin=self._options.standin)
        self._say(choice.said)
        if choice.url is not None:
            return replace(around, model_url=choice.url)
        port = free_port()
        self._keep(group, services.standin(port, self._environ))
        return replace(around, model_url=f"http://{LOOPBACK}:{port}")

    def _keep_all(self, group: asyncio.TaskGroup, service: str, around: services.Surroundings) -> None:
        for kept in services.instances(service, self._options.scale.get(service, 1), around):
            self._keep(group, kept)

    def _keep(self, group: asyncio.TaskGroup, kept: Kept) -> Keeper:
        keeper = Keeper(kept, self._journal(kept.name), self._say, RestartPolicy(deaths=self._options.deaths))
        self._keepers.append(keeper)
        group.create_task(keeper.run(), name=f"keeper of {kept.name}")
        return keeper

    def _journal(self, name: str) -> Journal:
        journal = Journal(self._directory.logs / f"{name}.log")
        self._journals.callback(journal.close)
        return journal

    def _write_state(self, around: services.Surroundings) -> None:
        """For tests and the curious: who serves where. With a password in it, so for the owner alone."""
        state = {
            "pid": os.getpid(),
            "url": self._options.url,
            "address": self._options.address,
            "owner": self._environ.get("LOCAL_OWNER", LOCAL_OWNER),
            "sign_in": asdict(self._options.sign_in) if self._options.sign_in else None,
            "database_url": around.database_url.replace(STORE_DRIVER, "postgresql", 1),
            "nats_url": around.nats_url,
            "model_url": around.model_url,
        }
        write_private(self._directory.state, json.dumps(state, indent=2) + "\n")

    def _write_mcp(self, around: services.Surroundings) -> None:
        """For bridges, which clients start and which outlive stacks: where the bus is now, and whose lists they are."""
        state = {
            "nats_url": around.nats_url,
            "nats_password": around.nats_passwords[services.MCP_BRIDGE],
            "local_owner": self._environ.get("LOCAL_OWNER") or LOCAL_OWNER,
        }
        write_private(self._directory.mcp, json.dumps(state, indent=2) + "\n")

    async def _tell_what_is_late(self) -> None:
        """Once, so that whoever waits knows what for. The first stage that still runs is the one that was told."""
        await asyncio.sleep(TELL_AFTER_S)
        stages = {keeper.kept.stage for keeper in self._keepers if keeper.child and not keeper.child.ended}
        if stages:
            self._say(f"waiting for {', '.join(child.name for child in self._running(min(stages)))}")

    async def _stop(self, stage: int, *, until: float, force: asyncio.Event) -> None:
        children = [child for child in self._running(stage) if not force.is_set()]
        for child in children:
            child.stop()
        forced = asyncio.create_task(force.wait())
        gone = asyncio.create_task(_all_ended(children))
        try:
            seconds = max(0.0, until - time.monotonic())
            await asyncio.wait({forced, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forced.cancel()
            gone.cancel()
        late = self._running(stage)
        for child in late if not force.is_set() else ():
            self._say(f"{child.name} (pid {child.pid}) did not stop in time and is killed")
        await self._end(late)

    async def _end(self, children: list[Child]) -> None:
        for child in children:
            child.quit()
        late = [child for child in children if not await child.ended_within(QUIT_S)]
        for child in late:
            child.kill()
        for child in late:
            await child.wait()

    def _running(self, stage: int | None = None) -> list[Child]:
        chosen = (keeper for keeper in self._keepers if stage in {None, keeper.kept.stage})
        return [keeper.child for keeper in chosen if keeper.child is not None and not keeper.child.ended]


async def _all_ended(children: list[Child]) -> None:
    for child in children:
        await child.wait()


async def _declared(settings: BusSettings) -> None:
    try:
        await declare(settings)
    except ProvisionError as error:
        raise StackError(str(error)) from error
