"""An IPython kernel inside a process that has its imports done."""

from __future__ import annotations

import sys
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp

from fiscalmodel.kernels import supervisor


class WarmKernelApp(IPKernelApp):
    """The ordinary kernel; matplotlib, which was imported before it, is told about it."""

    def init_iopub(self, context: Any) -> None:
        # The default queue holds 1,000 messages and drops the rest, among them the one that
        # says that a cell ended: a cell that prints much would look as if it hung.
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)  # type: ignore[no-untyped-call]

    def init_gui_pylab(self) -> None:
        super().init_gui_pylab()  # type: ignore[no-untyped-call]
        if "matplotlib.pyplot" in sys.modules:
            from matplotlib import pyplot as plt
            from matplotlib_inline import backend_inline

            plt.install_repl_displayhook()
            backend_inline._enable_matplotlib_integration()  # type: ignore[no-untyped-call]


def start(argv: list[str], *, memory: int | None = None) -> None:
    """Run the kernel with these arguments until it is told to shut down."""
    sys.argv = ["ipykernel_launcher", *argv]
    app = WarmKernelApp.instance()
    app.initialize(argv)  # type: ignore[no-untyped-call]
    if memory:
        supervisor.limit_memory(memory)
    app.start()  # type: ignore[no-untyped-call]
