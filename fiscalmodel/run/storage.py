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
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.stamp import digest
from fiscalmodel.paths import write_whole

MANIFEST = "manifest.jsonl"
LOCK = ".batch.lock"
#: Storages without folders, where making one would make a bucket of a name that was mistyped.
_BUCKETS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci"}


def open_storage(out: str | Path) -> Storage:
    """Storage for a folder or an address such as ``s3://bucket/folder`` or ``memory://run``.

    Raises
    ------
    InputError
        If the address needs a package that is not installed.
    """
    text = str(out)
    scheme, _, rest = text.rpartition("://")
    if scheme in ("", "file", "local"):
        return FolderStorage(Path(rest if scheme else out).resolve())
    try:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(text)
    except ModuleNotFoundError as error:
        raise InputError(text, "run.needs_package", name=error.name or "fsspec") from None
    except (ImportError, ValueError) as error:
        raise InputError(text, "run.storage_unusable", reason=error) from None
    return ObjectStorage(text, filesystem, root.rstrip("/"))


class Storage(ABC):
    """What a batch needs of a place for results.

    Attributes
    ----------
    name
        The place for people, and for `open_storage`.
    """

    name: str

    @abstractmethod
    def write(self, path: str, content: bytes) -> None:
        """Write a file that is whole or absent."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file if it is there."""

    @abstractmethod
    def contents(self, paths: Iterable[str] = (), *, ending: str = "") -> dict[str, bytes]:
        """Those of some files that are there, and all whose path has this ending."""

    @abstractmethod
    def records(self) -> Iterator[dict[str, Any]]:
        """Every record of the manifest that is whole, oldest first."""

    @abstractmethod
    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is there for good when this returns."""

    @abstractmethod
    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other batches out.

        Raises
        ------
        InputError
            If another batch is writing there.
        """

    def hashes(self, paths: Iterable[str]) -> dict[str, str]:
        """Hash of the content of those files that are there."""
        return {path: digest(content) for path, content in self.contents(paths).items()}

    def check_writable(self) -> None:
        """Refuse a place that cannot be written.

        Raises
        ------
        InputError
            With the system's reason.
        """
        probe = f".probe-{uuid.uuid4().hex[:8]}"
        try:
            self.write(probe, b"")
            self.remove(probe)
        except InputError as error:
            raise InputError(self.name, error.problems[0].said, error.problems[0].advice) from None
        except Exception as error:
            raise InputError(self.name, "run.storage_unwritable", reason=error) from None


class FolderStorage(Storage):
    """A folder on a disk of this machine, or shared by several."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def write(self, path: str, content: bytes) -> None:
        write_whole(self.folder / path, content)

    def remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            (self.folder / path).unlink()

    def contents(self, paths: Iterable[str] = (), *, ending: str = "") -> dict[str, bytes]:
        name = ending.rpartition("/")[2]
        inside = self.folder.rglob(f"*{name}") if ending else ()
        also = [path.relative_to(self.folder).as_posix() for path in inside]
        found = {}
        for path in (*paths, *(path for path in also if path.endswith(ending))):
            with contextlib.suppress(OSError):
                found[path] = (self.folder / path).read_bytes()
        return found

    def records(self) -> Iterator[dict[str, Any]]:
        try:
            content = (self.folder / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InputError(
                f"{self.name}/{MANIFEST}", "ground.cannot_be_read", reason=error.strerror
            ) from None
        yield from filter(None, map(parsed, content.split(b"\n")))

    def append(self, record: dict[str, Any]) -> None:
        try:
            with (self.folder / MANIFEST).open("ab+") as stream:
                _end_torn_line(stream)
                stream.write(_line(record))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InputError(
                f"{self.name}/{MANIFEST}", "run.cannot_be_written", reason=error.strerror
            ) from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out of the folder; the lock ends with the process."""
        path = self.folder / LOCK
        with path.open("a+") as stream:
            if not _try_lock(stream):
                stream.seek(0)
                raise InputError(self.name, "run.locked", holder=stream.read().strip() or "?")
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}")
            stream.flush()
            for leftover in self.folder.rglob(".*.part"):  # of a batch that was killed
                with contextlib.suppress(OSError):
                    leftover.unlink()
            try:
                yield
            finally:
                stream.truncate(0)
                with contextlib.suppress(OSError):
                    path.unlink()


class ObjectStorage(Storage):
    """A place that fsspec reaches: objects appear whole, and cannot be appended to.

    Each record of the manifest is an object of its own. The lock is advisory: an object that
    names the batch that is writing.
    """

    def __init__(self, name: str, filesystem: Any, root: str) -> None:
        self.name = name
        self.fs = filesystem
        self.root = root
        self._count = 0
        self._run = uuid.uuid4().hex[:12]

    def write(self, path: str, content: bytes) -> None:
        target = f"{self.root}/{path}"
        if not _BUCKETS & {self.fs.protocol, *self.fs.protocol}:
            self.fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(target, content)

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(f"{self.root}/{path}")

    def contents(self, paths: Iterable[str] = (), *, ending: str = "") -> dict[str, bytes]:
        wanted = set(paths)
        return self._read(lambda path: path in wanted or bool(ending and path.endswith(ending)))

    def _read(self, chosen: Callable[[str], bool], below: str = "") -> dict[str, bytes]:
        self.fs.invalidate_cache()
        start = f"{self.root.strip('/')}/"
        names: dict[str, str] = {}
        with contextlib.suppress(FileNotFoundError):
            for name in self.fs.find(f"{self.root}/{below}".rstrip("/")):
                path = name.strip("/").removeprefix(start)
                if chosen(path):
                    names[name] = path
        read = self.fs.cat(list(names), on_error="omit") if names else {}
        whole = read if isinstance(read, dict) else {next(iter(names)): read}
        return {names[name]: content for name, content in whole.items()}

    def records(self) -> Iterator[dict[str, Any]]:
        found = self._read(lambda path: True, "manifest")
        lines = [parsed(line) for _, line in sorted(found.items())]
        yield from sorted(filter(None, lines), key=_order)

    def append(self, record: dict[str, Any]) -> None:
        if not self._count:
            self._count = max(map(_order, self.records()), default=0)
        self._count += 1
        line = _line({**record, "order": self._count})
        self.write(f"manifest/{self._count:09d}-{self._run}.json", line)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out, as far as the storage can tell."""
        mine = f"process {os.getpid()} on {socket.gethostname()}, {self._run}"
        holder = self.contents([LOCK]).get(LOCK, b"").decode()
        if holder and not _gone(holder):
            raise InputError(self.name, "run.storage_locked", holder=holder, lock=LOCK)
        self.write(LOCK, mine.encode())
        try:
            yield
        finally:
            self.remove(LOCK)


def _gone(holder: str) -> bool:
    """Whether the holder of a lock ran on this machine and is no more."""
    words = holder.replace(",", "").split()
    here = len(words) >= 4 and words[3] == socket.gethostname() and words[1].isdigit()
    return here and not Path(f"/proc/{words[1]}").exists() and Path("/proc").exists()


def _order(record: dict[str, Any]) -> int:
    order = record.get("order")
    return order if isinstance(order, int) else 0


def _line(record: dict[str, Any]) -> bytes:
    """A record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def parsed(line: bytes) -> dict[str, Any] | None:
    """Bytes as a record, or None if they are none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None  # the line that a crash tore
    return record if isinstance(record, dict) else None


def _end_torn_line(stream: Any) -> None:
    stream.seek(0, os.SEEK_END)
    if stream.tell():
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")


def _try_lock(stream: Any) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
