"""An IPython kernel inside a process that has its imports done."""

from __future__ import annotations

import sys
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp

from fiscalmodel.run import supervisor


class WarmKernelApp(IPKernelApp):  # type: ignore[misc]
    """The ordinary kernel; matplotlib, which was imported before it, is told about it."""

    def init_iopub(self, context: Any) -> None:
        # The default queue holds 1,000 messages and drops the rest, among them the one that
        # says that a cell ended: a cell that prints much would look as if it hung.
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)

    def init_gui_pylab(self) -> None:
        super().init_gui_pylab()
        if "matplotlib.pyplot" in sys.modules:
            from matplotlib import pyplot
            from matplotlib_inline import backend_inline

            pyplot.install_repl_displayhook()
            backend_inline._enable_matplotlib_integration()


def start(argv: list[str], *, memory: int | None = None) -> None:
    """Run the kernel with these arguments until it is told to shut down."""
    sys.argv = ["ipykernel_launcher", *argv]
    app = WarmKernelApp.instance()
    app.initialize(argv)
    if memory:
        supervisor.limit_memory(memory)
    app.start()
