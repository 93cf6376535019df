"""Why a stack does not start or cannot go on, in words for the person at the terminal."""

from typing import ClassVar


class StackError(Exception):
    """The text is what is printed; `status` is the exit status of the command."""

    status: ClassVar[int] = 1


class UnusableDirectoryError(StackError):
    """The data directory cannot be used as it is."""

    status: ClassVar[int] = 2


class GivenUpError(StackError):
    """A service that keeps dying, with its last words."""


class ExposedError(StackError):
    """The stack would be reached by others, and would ask nobody who they are."""

    status: ClassVar[int] = 2
