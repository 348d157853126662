"""What the warm parent imports, and does once because it is slow the first time."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from pathlib import Path

_KERNEL_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.pylabtools",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.cp437",
    "pdb",
    "sqlite3",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.string",
    "fiscalmodel.kernels.kernelapp",
)
#: Start a thread when imported, and are imported by others where they are installed; a
#: notebook that wants one imports it itself.
_THREADED = ("polars",)
_NOT_IN_KERNELS = ("run", "kernels", "check_notebooks", "cli", "__main__")


def preload(modules: list[str]) -> tuple[list[str], str]:
    """Import modules and do once what is slow the first time.

    Returns the modules that could not be imported, each with the reason, and the first one
    that started a thread. The first are passed over: the notebook that needs one shows the
    error in its own cell.
    """
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    failed, threaded = [], ""
    for blocked in _THREADED:
        sys.modules.setdefault(blocked, None)  # type: ignore[arg-type]
    names = [*modules, *_KERNEL_MODULES]
    if "fiscalmodel" in names:
        names += _package_modules()
    # Importing the debugger, which every kernel does, says that it will miss breakpoints.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed.append(f"{name}: {error}")
        if not threaded and len(os.listdir("/proc/self/task")) != 1:
            threaded = name
    for warm_up in (_figure, _tables, _forecast):
        with contextlib.suppress(Exception):
            warm_up()
    for blocked in _THREADED:
        if sys.modules.get(blocked, 0) is None:
            del sys.modules[blocked]
    # Collected now and then left alone: the collector would copy shared pages.
    gc.collect()
    gc.freeze()
    return failed, threaded


def _package_modules() -> list[str]:
    import pkgutil

    here = [str(Path(__file__).parents[1])]
    found = pkgutil.walk_packages(here, "fiscalmodel.", onerror=lambda name: None)
    skipped = tuple(f"fiscalmodel.{name}" for name in _NOT_IN_KERNELS)
    return [module.name for module in found if not module.name.startswith(skipped)]


def _figure() -> None:
    """Draw once: font files, glyphs and the PNG writer are then loaded. No project data."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    import io

    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        if "fiscalmodel.display" in sys.modules:
            sys.modules["fiscalmodel.display"].style("zh")
        drawn = Figure()
        FigureCanvasAgg(drawn)
        axes = drawn.add_subplot()
        axes.plot([1, 2], [1, 2], marker="o", label="收入 0123456789.-%")
        axes.fill_between([1, 2], [0, 1], [1, 2], alpha=0.2)
        axes.bar([1, 2], [1, 2])
        axes.set_title("预算 亿元")
        axes.legend()
        drawn.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def _tables() -> None:
    """Read what every scenario asks for: words, dated rules, names of the catalogue.

    Rules and catalogue are read again where a file has changed; words are the package's own,
    which the name of this process tells (see `stamp.fingerprint`).
    """
    if "fiscalmodel.scenario.evaluate" not in sys.modules:
        return
    from fiscalmodel import policy, words
    from fiscalmodel.series import catalog

    words.read_all()
    policy.keys()
    catalog.names()


def _forecast() -> None:
    """Forecast a line and show a table once, as every report does."""
    module = sys.modules.get("fiscalmodel.revenue.forecast")
    if module is None:
        return
    import warnings

    import pandas as pd

    years = pd.period_range("2010", periods=11, freq="Y")
    pd.DataFrame({"x": [1.0]}).to_html()
    line = pd.Series([100.0 + 7 * n + (n % 3) for n in range(11)], index=years)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.forecast(line, 3)
