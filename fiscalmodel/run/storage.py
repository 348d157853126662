"""Where a batch puts its results: a folder, or any storage that fsspec reaches.

Only the process that runs the batch writes; workers send their results to it.
A result therefore cannot be written twice or by two, whatever happens to
workers on the way.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from fiscalmodel.errors import InputError
from fiscalmodel.run.execute import write_whole

MANIFEST = "manifest.jsonl"
LOCK = ".batch.lock"


class Storage(Protocol):
    """What a batch needs of a place for results."""

    name: str

    def check_writable(self) -> None: ...
    def write(self, path: str, content: bytes) -> None: ...
    def remove(self, path: str) -> None: ...
    def sizes(self, paths: list[str]) -> dict[str, int]: ...
    def records(self) -> Iterator[dict[str, Any]]: ...
    def append(self, record: dict[str, Any]) -> None: ...
    def locked(self) -> contextlib.AbstractContextManager[None]: ...


def open_storage(out: str | Path) -> Storage:
    """Storage for a folder or an address such as ``s3://bucket/folder`` or ``memory://run``.

    Raises
    ------
    InputError
        If the address needs a package that is not installed.
    """
    text = str(out)
    if "://" not in text:
        return FolderStorage(Path(out).resolve())
    if text.startswith(("file://", "local://")):
        return FolderStorage(Path(text.split("://", 1)[1]).resolve())
    try:
        import fsspec
    except ImportError:
        raise InputError(
            text, "object storage needs fsspec", "pip install fiscalmodel[cluster]"
        ) from None
    try:
        filesystem, root = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError) as error:
        raise InputError(text, f"this storage cannot be used ({error})") from None
    from fiscalmodel.run.object_storage import ObjectStorage

    return ObjectStorage(text, filesystem, root.rstrip("/"))


class FolderStorage:
    """A folder on a disk of this machine, or shared by several."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def check_writable(self) -> None:
        """Refuse a folder that cannot be written.

        Raises
        ------
        InputError
            With the system's reason.
        """
        probe = self.folder / f".probe-{uuid.uuid4().hex[:8]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise InputError(
                self.name,
                f"the output folder cannot be written ({error.strerror})",
                "choose another --out",
            ) from None

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole: temporary file, then rename."""
        write_whole(self.folder / path, content)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(OSError):
            (self.folder / path).unlink()

    def sizes(self, paths: list[str]) -> dict[str, int]:
        """Size in bytes of those files that are there."""
        found = {}
        for path in paths:
            with contextlib.suppress(OSError):
                found[path] = os.stat(self.folder / path).st_size
        return found

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record of the manifest that is whole, oldest first."""
        try:
            content = (self.folder / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InputError(
                f"{self.name}/{MANIFEST}", f"cannot be read ({error.strerror})"
            ) from None
        for line in content.split(b"\n"):
            record = parsed_record(line)
            if record is not None:
                yield record

    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is on the disk when this returns.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        try:
            with (self.folder / MANIFEST).open("ab+") as stream:
                _end_tornrecord_line(stream)
                stream.write(record_line(record))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InputError(
                f"{self.name}/{MANIFEST}", f"cannot be written ({error.strerror})", "check the disk"
            ) from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out of the folder; the lock ends with the process.

        Raises
        ------
        InputError
            If another batch is writing there.
        """
        path = self.folder / LOCK
        with path.open("a+") as stream:
            if not _try_lock(stream):
                stream.seek(0)
                holder = stream.read().strip() or "another process"
                raise InputError(
                    self.name,
                    f"another batch is writing here ({holder})",
                    "wait for it, or choose another --out",
                )
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}")
            stream.flush()
            self._clear_temporary_files()
            try:
                yield
            finally:
                stream.truncate(0)
                with contextlib.suppress(OSError):
                    path.unlink()

    def _clear_temporary_files(self) -> None:
        """Remove what a batch that was killed left half-written."""
        for leftover in self.folder.rglob(".*.part"):
            with contextlib.suppress(OSError):
                leftover.unlink()


def record_line(record: dict[str, Any]) -> bytes:
    """A record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def parsed_record(line: bytes) -> dict[str, Any] | None:
    """A line as a record, or None if it is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None  # the line that a crash tore
    return record if isinstance(record, dict) else None


def _end_tornrecord_line(stream: Any) -> None:
    stream.seek(0, os.SEEK_END)
    if stream.tell():
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")


def _try_lock(stream: Any) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
