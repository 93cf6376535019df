"""A backup of streams as one file: a tar of numbered parts, which can be written to a pipe and read from one.

`backup.json` says what it is. Each stream then has `NAME/stream.json`, its snapshot in parts `NAME/00000001`, ... as
the server sent them, and `NAME/end.json` with their number and their SHA-256: what was cut off, or changed, is noticed.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Self

from provision.errors import ProvisionError

FORMAT: Final = 1
WHAT: Final = "todo-agent streams"
_HEAD: Final = "backup.json"
_PART_MAX_BYTES: Final = 1024 * 1024

Json = dict[str, Any]  # JetStream's own, which we hand back as they are


class ArchiveError(ProvisionError):
    """A file that is no whole backup."""


class Writer:
    """Writes an archive to `out`, which is never sought in."""

    def __init__(self, out: BinaryIO, about: Json) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|")  # noqa: SIM115 - closed by `close`
        self._put(_HEAD, {"what": WHAT, "format": FORMAT, **about})

    def begin(self, stream: str, description: Json) -> None:
        self._stream, self._parts, self._digest = stream, 0, hashlib.sha256()
        self._put(f"{stream}/stream.json", description)

    def part(self, data: bytes) -> None:
        self._parts += 1
        self._digest.update(data)
        self._put(f"{self._stream}/{self._parts:08}", data)

    def end(self) -> None:
        self._put(f"{self._stream}/end.json", {"parts": self._parts, "sha256": self._digest.hexdigest()})

    def close(self) -> None:
        self._tar.close()

    def _put(self, name: str, content: bytes | Json) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))


@dataclass(frozen=True)
class Archived:
    """One stream of an archive. `parts` must be read to their end before the next stream; it raises ArchiveError."""

    name: str
    description: Json
    parts: Iterator[bytes] = field(repr=False)


class Reader:
    """Reads an archive from `source`, once and forwards."""

    def __init__(self, source: BinaryIO) -> None:
        try:
            self._tar = tarfile.open(fileobj=source, mode="r|")  # noqa: SIM115 - it owns nothing
            name, data = self._next()
            self.about: Json = json.loads(data)
        except (tarfile.TarError, ValueError, StopIteration) as error:
            raise ArchiveError("this is no backup of our streams") from error
        if name != _HEAD or self.about.get("what") != WHAT:
            raise ArchiveError("this is no backup of our streams")
        if self.about.get("format") != FORMAT:
            raise ArchiveError(f"this backup has the format {self.about.get('format')}; this release reads {FORMAT}")

    def streams(self) -> Iterator[Archived]:
        """Each stream, in the order in which they were written. Raises ArchiveError."""
        for _ in self.about["streams"]:
            name, data = self._following()
            stream, _, kind = name.partition("/")
            if kind != "stream.json":
                raise ArchiveError(f"a part of this backup is missing before {name}")
            yield Archived(stream, json.loads(data), self._parts(stream))

    def _parts(self, stream: str) -> Iterator[bytes]:
        digest, number = hashlib.sha256(), 0
        while True:
            name, data = self._following()
            if name == f"{stream}/end.json":
                if json.loads(data) != {"parts": number, "sha256": digest.hexdigest()}:
                    raise ArchiveError(f"the stream {stream} of this backup is not as it was written")
                return
            number += 1
            if name != f"{stream}/{number:08}":
                raise ArchiveError(f"the stream {stream} of this backup has lost a part")
            digest.update(data)
            yield data

    def _following(self) -> tuple[str, bytes]:
        try:
            return self._next()
        except (tarfile.TarError, StopIteration, OSError) as error:
            raise ArchiveError("this backup has been cut off") from error

    def _next(self) -> tuple[str, bytes]:
        member = self._tar.next()
        if member is None:
            raise StopIteration
        file = self._tar.extractfile(member)
        if file is None or member.size > _PART_MAX_BYTES:
            raise tarfile.ReadError
        data = file.read()
        if len(data) != member.size:
            raise tarfile.ReadError
        return member.name, data

    @classmethod
    def checked(cls, source: BinaryIO) -> Self:
        """Read all of it, to see that it is whole. Raises ArchiveError."""
        reader = cls(source)
        for stream in reader.streams():
            for _ in stream.parts:
                pass
        return reader
