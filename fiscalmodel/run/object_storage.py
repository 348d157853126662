"""Results in an object store, or anything else that fsspec reaches."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.storage import LOCK, parsed_record, record_line


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
            raise InputError(
                self.name, f"cannot be written ({error})", "check the address and your rights"
            ) from None

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

    def sizes(self, paths: list[str]) -> dict[str, int]:
        """Size in bytes of those objects that are there."""
        self.fs.invalidate_cache()
        try:
            listed = self.fs.find(self.root, detail=True)
        except FileNotFoundError:
            return {}
        by_name = {name.strip("/"): entry["size"] for name, entry in listed.items()}
        wanted = {path: self._path(path).strip("/") for path in paths}
        return {path: by_name[name] for path, name in wanted.items() if name in by_name}

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record of the manifest, oldest first."""
        folder = self._path("manifest")
        self.fs.invalidate_cache()
        try:
            names = sorted(self.fs.find(folder))
        except FileNotFoundError:
            return
        contents = self.fs.cat(names, on_error="omit") if names else {}
        found = [parsed_record(contents[name]) for name in names if name in contents]
        yield from sorted(
            (record for record in found if record is not None), key=lambda r: r.get("order", 0)
        )

    def append(self, record: dict[str, Any]) -> None:
        """Add a record."""
        if not self._count:
            self._count = max((r.get("order", 0) for r in self.records()), default=0)
        self._count += 1
        record = {**record, "order": self._count}
        self.write(f"manifest/{self._count:09d}-{self._run}.json", record_line(record))

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
            raise InputError(
                self.name,
                f"another batch is writing here ({holder})",
                f"wait for it; if it died, remove {LOCK} there",
            )
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
