"""What one process writes: to its log file, bounded, and its last lines in memory."""

from collections import deque
from pathlib import Path
from typing import Final

FILE_MAX_BYTES: Final = 8 * 1024 * 1024
TAIL_LINES: Final = 20
LINE_MAX_BYTES: Final = 400


class Journal:
    """Takes a process's output in pieces. At most two files of FILE_MAX_BYTES: `<name>.log` and `<name>.log.1`.

    A full disk must not block the process whose output this is: what cannot be written is counted in `lost_bytes`.
    """

    def __init__(self, path: Path) -> None:
        self.lost_bytes = 0
        self._path = path
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._unfinished = b""
        if path.exists() and path.stat().st_size > 0:
            self._set_aside()
        self._file = path.open("wb", buffering=0)
        self._size = 0

    def close(self) -> None:
        """The process has ended and was read to the end."""
        self._file.close()

    def take(self, data: bytes) -> tuple[bytes, ...]:
        """Write `data`; return the lines that it completed, without their ends, cut to LINE_MAX_BYTES."""
        try:
            self._write(data)
        except OSError:
            self.lost_bytes += len(data)
        *lines, rest = (self._unfinished + data).split(b"\n")
        self._unfinished = rest[:LINE_MAX_BYTES]
        finished = tuple(line[:LINE_MAX_BYTES] for line in lines)
        self._tail.extend(line for line in finished if line.strip())
        return finished

    def last_words(self) -> str:
        """The last lines, as text."""
        lines = [*self._tail, *([self._unfinished] if self._unfinished.strip() else [])]
        return b"\n".join(lines[-TAIL_LINES:]).decode(errors="replace")

    def _write(self, data: bytes) -> None:
        if self._size + len(data) > FILE_MAX_BYTES:
            self._file.close()
            self._set_aside()
            self._file = self._path.open("wb", buffering=0)
            self._size = 0
        self._file.write(data)
        self._size += len(data)

    def _set_aside(self) -> None:
        self._path.replace(self._path.with_name(self._path.name + ".1"))
