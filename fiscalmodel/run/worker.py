"""A worker process of a local batch: takes jobs, runs each through papermill, sends results.

The notebooks' own code runs in kernels, never here. Started as
``python -m fiscalmodel.run.worker ADDRESS`` or forked from the warm parent.
"""

from __future__ import annotations

import contextlib
import os
import sys
from multiprocessing.connection import Client, Connection
from typing import Any

# Imported before a fork, once for all workers.
import nbformat.v4
import papermill

from fiscalmodel.run import engine, execute, kernels, provisioner

__all__ = ["engine", "execute", "kernels", "nbformat", "papermill", "provisioner"]

KEY_VARIABLE = "FISCALMODEL_BATCH_KEY"


def work(address: str, key: bytes) -> None:
    """Connect to the batch, and run what it sends until it hangs up."""
    connection: Any = Client(address, authkey=key)
    with contextlib.suppress(EOFError, OSError):
        _serve(connection)


def _serve(connection: Connection[Any, Any]) -> None:
    connection.send(("ready", os.getpid()))
    while True:
        job = connection.recv()
        if job is None:
            return
        connection.send(("result", job.run()))


def main() -> None:
    """Entry point of a worker that was started as a process of its own."""
    key = os.environ.pop(KEY_VARIABLE, "")
    work(sys.argv[1], key.encode())


if __name__ == "__main__":
    main()
