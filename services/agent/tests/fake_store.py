"""A store in memory that does what the model of a store says, or what a test has it do instead."""

from collections.abc import Callable
from datetime import UTC, datetime

from bus.errors import NoReplyError, UnavailableError
from contracts.dialogue import Alias, Question, Remembered, RememberRequest
from contracts.operations import Operation
from contracts.store import ApplyRequest, ApplyResult, ApplyStatus, Delta, Snapshot, TakeOverResult
from contracts.todo import Author, Image, JournalEntry
from verification.model import apply
from verification.state import State, state_of


class FakeStore:
    """`world` turns the rows into what an apply leaves behind; the journal always tells what really happened."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.state = state_of(snapshot)
        self.journal: list[JournalEntry] = []
        self.results: dict[str, ApplyResult] = {}
        self.attempts: dict[str, int] = {}
        self.applied = 0
        self.world: Callable[[State, tuple[Operation, ...]], State] = lambda state, operations: apply(
            state, operations, {entry.change_id: entry for entry in self.journal}
        )
        self.lose_replies = 0
        self.lose_requests = 0
        self.before_apply: Callable[[], None] = lambda: None
        self.after_apply: Callable[[], None] = lambda: None
        self.away = 0
        self.crashes: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.closed: set[str] = set()
        self.marks: dict[str, State] = {}
        self.reads: list[str] = []
        self.aliases: dict[str, str] = {}
        self.questions: dict[str, Question] = {}
        self.taken_by: dict[str, str] = {}

    def _here(self) -> None:
        if self.away:
            self.away -= 1
            raise UnavailableError("away")

    async def snapshot(
        self,
        owner: str,
        *,
        journal_since: int | None = None,
        since: str | None = None,
        trusting: bool = False,
        dialogue: str | None = None,
    ) -> Snapshot:
        self._here()
        entries = () if journal_since is None else tuple(e for e in self.journal if e.revision > journal_since)
        base = None if since is None else self.marks.get(since)
        mark = f"m{len(self.marks)}"
        self.marks[mark] = self.state
        items = tuple(item for list_id in self.state.lists for item in self.state.items_of(list_id))
        lists = tuple(self.state.lists.values())
        called = tuple(Alias(phrase=phrase, list_id=list_id) for phrase, list_id in self.aliases.items())
        whole = Snapshot(
            owner=owner,
            revision=self.state.revision,
            mark=mark,
            lists=lists,
            items=items,
            journal=entries,
            aliases=called if dialogue is not None else (),
            question=None if dialogue is None else self.questions.get(dialogue),
        )
        self.reads.append("whole" if base is None else "trusting" if trusting else "delta")
        return whole if base is None else self._delta(whole, base, since or "", trusting=trusting)

    def _delta(self, whole: Snapshot, base: State, since: str, *, trusting: bool) -> Snapshot:
        """As the store tells it: what was written by whoever, and what the journal says was deleted."""
        if trusting and base.revision == whole.revision:
            return whole.model_copy(update={"mark": since, "delta": Delta(), "lists": (), "items": ()})
        images = [image for entry in self.journal if entry.revision > base.revision for image in entry.images]
        gone = {image.row_id for image in images if image.after is None and self.state.row(image.row_id) is None}
        delta = Delta(removed=tuple(sorted(gone)), lists=len(whole.lists), items=len(whole.items))
        rows = (tuple(row for row in rows if row != base.row(row.id)) for rows in (whole.lists, whole.items))
        return whole.model_copy(update={"delta": delta, **dict(zip(("lists", "items"), rows, strict=True))})

    def tamper(self, row_id: str, **fields: object) -> None:
        """Change a row's fields behind the journal, its version and the revision kept; without fields, remove it."""
        row = self.state.row(row_id)
        assert row is not None
        made = row.model_copy(update=fields) if fields else None
        self.state = self.state.with_rows(self.state.revision, {row_id: made})

    async def remember(self, request: RememberRequest) -> Remembered:
        self._here()
        open_ = self.questions.get(request.session)
        taken = False
        if request.answers is not None and open_ is not None and open_.asked_by == request.answers:
            taken = self.taken_by.setdefault(open_.asked_by, request.turn_id) == request.turn_id
        if request.question is not None:
            # As it travels, so that a test sees what would be kept.
            self.questions[request.session] = Question.from_json(request.question.to_json())
            self.taken_by.pop(request.question.asked_by, None)
        if request.alias is not None:
            self.aliases[request.alias.phrase] = request.alias.list_id
        return Remembered(taken=taken)

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        self.before_apply()
        if self.lose_requests:
            self.lose_requests -= 1
            raise NoReplyError("lost on the way there")
        self._here()
        result = self._apply(request)
        self.after_apply()
        if self.lose_replies:
            self.lose_replies -= 1
            raise NoReplyError("lost on the way back")
        return result

    def _apply(self, request: ApplyRequest) -> ApplyResult:
        known = self.results.get(request.operation_id)
        if known is not None:
            return known.model_copy(update={"repeated": True})
        base = {"operation_id": request.operation_id, "attempt": request.attempt}
        if request.attempt < self.attempts.get(request.operation_id, 1):
            return ApplyResult(status=ApplyStatus.FENCED, **base)
        if request.operation_id in self.cancelled | self.closed:
            return ApplyResult(status=ApplyStatus.CANCELLED, **base)
        for row_id, version in request.relies_on.items():
            row = self.state.row(row_id)
            if row is None or row.version != version:
                return ApplyResult(status=ApplyStatus.CONFLICT, rows=(row_id,), **base)
        before = self.state.revision
        change_id = f"c{before + 1}"
        self.write(request.operations, change_id, request.operation_id, request.author)
        self.applied += 1
        result = ApplyResult(
            status=ApplyStatus.APPLIED,
            change_id=change_id,
            revision_before=before,
            revision_after=before + 1,
            operations=request.operations,
            plan=request.plan,
            **base,
        )
        self.results[request.operation_id] = result
        return result

    def write(self, operations: tuple[Operation, ...], change_id: str, operation_id: str, author: Author) -> None:
        """One committed change, journalled as the rows really changed."""
        old, made = self.state, self.world(self.state, operations)
        ids = {*old.lists, *old.items, *made.lists, *made.items}
        rows = {}
        places = [*made.lists, *(item_id for list_id in made.lists for item_id in made.order[list_id])]
        for row_id in sorted(ids):
            row = made.row(row_id)
            if row is not None and row != old.row(row_id):
                row = row.model_copy(update={"version": row.version + (old.row(row_id) is not None)})
                if old.row(row_id) is None:
                    row = row.model_copy(update={"position": f"b{old.revision:04d}{places.index(row_id):04d}"})
            rows[row_id] = row
        revision = old.revision + 1
        new = old.with_rows(revision, {row_id: row for row_id, row in rows.items() if row != old.row(row_id)})
        images = tuple(
            Image(row_id=row_id, before=old.row(row_id), after=new.row(row_id))
            for row_id in sorted(ids)
            if old.row(row_id) != new.row(row_id)
        )
        self.journal.append(
            JournalEntry(
                revision=revision,
                change_id=change_id,
                operation_id=operation_id,
                author=author,
                at=datetime.now(UTC),
                images=images,
            )
        )
        self.state = new

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        self._here()
        self.crashes[operation_id] = crashes = self.crashes.get(operation_id, 0) + crashed
        known = self.results.get(operation_id)
        if known is not None:
            return TakeOverResult(attempt=known.attempt, result=known, crashes=crashes)
        self.attempts[operation_id] = self.attempts.get(operation_id, 1) + 1
        cancelled = operation_id in self.cancelled
        return TakeOverResult(
            attempt=self.attempts[operation_id],
            crashes=crashes,
            cancelled=cancelled,
            closed=operation_id in self.closed,
        )

    async def cancel(self, owner: str, operation_id: str) -> bool:
        self._here()
        if operation_id in self.results:
            return True
        self.cancelled.add(operation_id)
        return False

    async def close(self, owner: str, operation_id: str) -> bool:
        self._here()
        if operation_id in self.results:
            return True
        self.closed.add(operation_id)
        return False

    async def change(self, owner: str, change_id: str) -> JournalEntry | None:
        return next((entry for entry in self.journal if entry.change_id == change_id), None)

    async def newest_change(self, owner: str, authors: tuple[Author, ...]) -> JournalEntry | None:
        return next((entry for entry in reversed(self.journal) if entry.author in authors), None)
