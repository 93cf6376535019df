"""F3, F5, F6 and F13: what the database, the bus and the workers do wrong. Pure."""

from collections.abc import Iterable, Iterator

from bench.faults.case import Case, Database, End, Link, ScriptedAnswer, Worker, gold, only, scripted
from bench.faults.templates import Template
from contracts.turns import Outcome

NOT_SEEN = (Outcome.REFUTED, Outcome.UNKNOWN)


def repeats(templates: Iterable[Template]) -> Iterator[Case]:
    """F3: the same thing twice: by the model, the page, the stream, or a worker that was given up."""
    for template in templates:
        twice: ScriptedAnswer = {"plan": [*template.steps, *template.steps]}
        if not any(step["op"] in {"undo", "create_list", "show", "count"} for step in template.steps):
            yield Case("F3", "every step twice", template, (twice,) * 5, gold(template))
        calls: ScriptedAnswer = {"plan": list(template.steps), "fault": "duplicate_calls"}
        yield Case("F3", "nine equal calls", template, (calls,) * 5, gold(template))
        for worker in Worker:
            if worker is not Worker.FINE:
                yield _case("F3", worker.value, template, gold(template), worker=worker)


def lost_writes(templates: Iterable[Template]) -> Iterator[Case]:
    """F5: the store says applied, and the row is not written."""
    for template in templates:
        if template.changes:
            yield _case("F5", Database.DROPS.value, template, only(None, *NOT_SEEN), database=Database.DROPS)


def spoilt_writes(templates: Iterable[Template]) -> Iterator[Case]:
    """F6, the database's part: some rows of several, another value; and F8's: another row as well."""
    for template in templates:
        if not template.changes:
            continue
        if len(template.steps) > 1:
            yield _case(
                "F6",
                Database.DROPS_ALL_BUT_ONE.value,
                template,
                only(None, *NOT_SEEN),
                database=Database.DROPS_ALL_BUT_ONE,
            )
        if template.target and template.name != "clear what is done":
            yield _case("F6", Database.ALTERS.value, template, _altered(template), database=Database.ALTERS)
        yield _case("F8", Database.TOUCHES.value, template, only(None, *NOT_SEEN), database=Database.TOUCHES)
        if any(step["op"] == "add_item" for step in template.steps):
            yield _case(
                "F3", Database.WRITES_TWICE.value, template, only(None, *NOT_SEEN), database=Database.WRITES_TWICE
            )


def _altered(template: Template) -> tuple[End, ...]:
    deletes = template.steps[0]["op"] in {"delete_item", "delete_list"}
    # Nobody sees the title of what is gone.
    return (End(None, frozenset((*NOT_SEEN, Outcome.CONFIRMED))),) if deletes else only(None, *NOT_SEEN)


def timeouts(templates: Iterable[Template]) -> Iterator[Case]:
    """F13: no answer, while it was done, or was not, or is done later."""
    links = {
        "the reply to apply is lost": Link(apply_replies=1),
        "the reply is lost, and that to the question": Link(apply_replies=1, take_over_replies=1),
        "the request to apply is lost": Link(apply_requests=1),
        "two requests to apply are lost": Link(apply_requests=2),
        "the request arrives late": Link(late_applies=1),
        "the rows cannot be read again at first": Link(confirm_reads=2),
        "the reply is lost, and the rows cannot be read": Link(apply_replies=1, confirm_reads=1),
    }
    for template in templates:
        if template.changes:
            for name, link in links.items():
                yield _case("F13", name, template, gold(template), link=link)


def _case(
    fault: str,
    variant: str,
    template: Template,
    ends: tuple[End, ...],
    *,
    database: Database = Database.FINE,
    worker: Worker = Worker.FINE,
    link: Link | None = None,
) -> Case:
    return Case(
        fault,
        variant,
        template,
        scripted(template=template),
        ends,
        database=database,
        worker=worker,
        link=link or Link(),
    )
