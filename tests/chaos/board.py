"""What the turns of a run must come to: a to-do store of a few lines, written without looking at the real one."""

from dataclasses import dataclass, field

from contracts.turns import Outcome

from .history import Item, Kind, Step


@dataclass
class Board:
    """Lists by name, items by list and title."""

    lists: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def foretell(self, step: Step) -> Outcome:
        """The outcome that is right for a step that is taken now."""
        item = self._find(step)
        match step.kind:
            case Kind.CREATE_LIST:
                return Outcome.ALREADY_SO if step.list_name in self.lists else Outcome.CONFIRMED
            case Kind.ADD | Kind.COUNT if step.list_name in self.lists:
                return Outcome.CONFIRMED if step.kind is Kind.ADD else Outcome.ANSWERED
            case _ if item is None:
                return Outcome.NOT_FOUND
            case Kind.COMPLETE if item.done:
                return Outcome.ALREADY_SO
            case _:
                return Outcome.CONFIRMED

    def take(self, step: Step) -> None:
        """Do what a step asks, as far as there is something to do it to."""
        item = self._find(step)
        if item is not None and step.kind is not Kind.ADD:
            self.items.remove(item)
        match step.kind:
            case Kind.CREATE_LIST:
                self.lists.append(step.list_name)
            case Kind.ADD:
                self.items.append(Item(step.list_name, step.title, done=False))
            case Kind.COMPLETE if item is not None:
                self.items.append(Item(item.list_name, item.title, done=True))
            case Kind.RENAME if item is not None:
                self.items.append(Item(item.list_name, step.new_title, item.done))
            case Kind.COUNT if item is not None:
                self.items.append(item)
            case _:
                pass

    def _find(self, step: Step) -> Item | None:
        return next(
            (item for item in self.items if (item.list_name, item.title) == (step.list_name, step.title)),
            None,
        )
