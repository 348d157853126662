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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.stamp import digest

MANIFEST = "manifest.jsonl"
LOCK = ".batch.lock"


class Storage(Protocol):
    """What a batch needs of a place for results."""

    name: str

    def check_writable(self) -> None: ...
    def write(self, path: str, content: bytes) -> None: ...
    def remove(self, path: str) -> None: ...
    def hashes(self, paths: Iterable[str]) -> dict[str, str]: ...
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
        raise InputError(text, "run.needs_package", name="fsspec") from None
    try:
        filesystem, root = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError) as error:
        raise InputError(text, "run.storage_unusable", reason=error) from None
    return ObjectStorage(text, filesystem, root.rstrip("/"))


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that is whole or absent, also after a crash.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(str(target), "run.cannot_be_written", reason=error.strerror) from None
        raise


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
            raise InputError(self.name, "run.folder_unwritable", reason=error.strerror) from None

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole: temporary file, then rename."""
        write_whole(self.folder / path, content)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(OSError):
            (self.folder / path).unlink()

    def hashes(self, paths: Iterable[str]) -> dict[str, str]:
        """Hash of the content of those files that are there."""
        found = {}
        for path in paths:
            with contextlib.suppress(OSError):
                found[path] = digest((self.folder / path).read_bytes())
        return found

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record of the manifest that is whole, oldest first."""
        try:
            content = (self.folder / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InputError(
                f"{self.name}/{MANIFEST}", "ground.cannot_be_read", reason=error.strerror
            ) from None
        yield from filter(None, map(_parsed, content.split(b"\n")))

    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is on the disk when this returns.

        Raises
        ------
        InputError
            If it cannot be written.
        """
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


class ObjectStorage:
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

    def _path(self, path: str) -> str:
        return f"{self.root}/{path}"

    def check_writable(self) -> None:
        """Refuse a place that cannot be written.

        Raises
        ------
        InputError
            With the storage's reason.
        """
        probe = f".probe-{self._run}"
        try:
            self.write(probe, b"")
            self.fs.rm_file(self._path(probe))
        except Exception as error:
            raise InputError(self.name, "run.storage_unwritable", reason=error) from None

    def write(self, path: str, content: bytes) -> None:
        """Write an object; it appears whole."""
        target = self._path(path)
        with contextlib.suppress(Exception):  # object stores have no folders
            self.fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(target, content)

    def remove(self, path: str) -> None:
        """Remove an object if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._path(path))

    def hashes(self, paths: Iterable[str]) -> dict[str, str]:
        """Hash of the content of those objects that are there."""
        wanted = {self._path(path).strip("/"): path for path in paths}
        read = self._contents(self.root, lambda name: name.strip("/") in wanted)
        return {wanted[name.strip("/")]: digest(content) for name, content in read.items()}

    def _contents(self, folder: str, chosen: Any = None) -> dict[str, bytes]:
        self.fs.invalidate_cache()
        try:
            names = [name for name in self.fs.find(folder) if chosen is None or chosen(name)]
        except FileNotFoundError:
            return {}
        if not names:
            return {}
        read = self.fs.cat(names, on_error="omit")
        return dict(read) if isinstance(read, dict) else {names[0]: read}

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record of the manifest, oldest first."""
        contents = self._contents(self._path("manifest"))
        found = [record for _, line in sorted(contents.items()) if (record := _parsed(line))]
        yield from sorted(found, key=_order)

    def append(self, record: dict[str, Any]) -> None:
        """Add a record."""
        if not self._count:
            self._count = max(map(_order, self.records()), default=0)
        self._count += 1
        line = _line({**record, "order": self._count})
        self.write(f"manifest/{self._count:09d}-{self._run}.json", line)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out, as far as the storage can tell.

        Raises
        ------
        InputError
            If another batch says that it is writing there.
        """
        path = self._path(LOCK)
        mine = f"process {os.getpid()} on {socket.gethostname()}, {self._run}"
        self.fs.invalidate_cache()
        holder = self.fs.cat_file(path).decode() if self.fs.exists(path) else ""
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


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line as a record, or None if it is none."""
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
