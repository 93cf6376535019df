"""Files that only their owner can read, written whole or not at all."""

import os
from pathlib import Path

from local_stack.account import Account


def write_private(path: Path, text: str, *, owner: Account | None = None) -> None:
    """Write `text` with mode 0600, as `owner`'s file. A reader sees the old or the new content, never a part."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if owner is not None:
            os.fchown(file.fileno(), owner.uid, owner.gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
