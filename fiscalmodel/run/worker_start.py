"""Fork a batch's worker from the warm parent."""

from __future__ import annotations

import json
import os
import struct

from fiscalmodel.run import parent
from fiscalmodel.run.provisioner import Lease

#: Workers find this module imported in the parent.
PRELOAD = "fiscalmodel.run.worker"


def forked_worker(address: str, key: bytes) -> Lease:
    """Ask the parent for a worker; it ends when the lease does.

    Raises
    ------
    OSError
        If there is no parent.
    """
    connection = parent.connect()
    try:
        environment = {**os.environ, "FISCALMODEL_KERNEL_PARENT": "wait"}
        request = {
            "worker": address,
            "key": key.decode(),
            "env": environment,
            "cwd": os.getcwd(),
            "scratch": None,
        }
        body = json.dumps(request).encode()
        connection.settimeout(60.0)
        connection.sendall(struct.pack(">I", len(body)) + body)
        return Lease(connection)
    except BaseException:
        connection.close()
        raise
