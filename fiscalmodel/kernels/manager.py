"""Warm kernels for Jupyter: kernelspec ``fiscalmodel-warm`` and the manager of its kernels.

A Jupyter kernel spends seconds on imports before its first cell. Here one
process, the parent, has the imports done and forks a fresh process for each
notebook, so that nothing is shared between two notebooks and a kernel starts
in milliseconds. The kernelspec names a kernel provisioner, so papermill,
nbclient, nbval, Voila and JupyterLab use it as any other kernel. Where forking
cannot work, or the parent does not start, the same kernelspec starts an
ordinary kernel. ``FISCALMODEL_KERNEL=cold`` turns forking off.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from fiscalmodel.kernels.parent import kernel_folder

KERNEL_NAME = "fiscalmodel-warm"


def kernel_manager() -> Any:
    """A kernel manager of ``fiscalmodel-warm``, also where the kernelspec was not installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    source = Path(__file__).with_name("kernelspec")
    spec = KernelSpec.from_resource_dir(str(source))
    manager = AsyncKernelManager(kernel_name=KERNEL_NAME)
    manager._kernel_spec = spec
    manager.connection_file = str(new_scratch() / "kernel.json")
    return manager


def new_scratch() -> Path:
    """A folder for one kernel's sockets and for what it leaves behind."""
    folder = None if sys.platform == "win32" else kernel_folder()
    return Path(tempfile.mkdtemp(prefix="k-", dir=folder))


def scratch_of(manager: Any) -> Path | None:
    """The folder of a manager's connection file, if `kernel_manager` made one for it."""
    folder = Path(manager.connection_file).parent if manager.connection_file else None
    return folder if folder is not None and folder.name.startswith("k-") else None


def start_settings(kernel: str, memory: int | None, cwd: Path | None) -> dict[str, Any]:
    """Arguments of ``start_kernel``: warm or cold, its memory in bytes, its working directory."""
    environment = dict(os.environ)
    if kernel == "cold":
        environment["FISCALMODEL_KERNEL"] = "cold"
    if memory:
        environment["FISCALMODEL_KERNEL_MEMORY"] = str(memory)
    settings: dict[str, Any] = {"env": environment}
    if cwd is not None:
        settings["cwd"] = str(cwd)
    return settings


def is_installed() -> bool:
    """Whether Jupyter finds the kernelspec by its name."""
    from jupyter_client.kernelspec import KernelSpecManager

    return KERNEL_NAME in KernelSpecManager().find_kernel_specs()
