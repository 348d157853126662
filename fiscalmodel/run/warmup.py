"""What is slow the first time and is done once in the warm parent, without project data.

Each does something only if its modules were imported, and leaves no setting changed.
"""

from __future__ import annotations

import sys


def figure() -> None:
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


def forecast() -> None:
    """Forecast a straight line once, as every report's revenue part does."""
    module = sys.modules.get("fiscalmodel.revenue.forecast")
    if module is None:
        return
    import warnings

    import pandas as pd

    years = pd.period_range("2010", periods=11, freq="Y")
    line = pd.Series([100.0 + 7 * n + (n % 3) for n in range(11)], index=years)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.forecast(line, 3)


def fit() -> None:
    if "statsmodels.tsa.api" not in sys.modules:
        return
    import numpy as np
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    frame = pd.DataFrame({"x": np.arange(8.0)})
    frame.to_html()
    ETSModel(np.arange(1.0, 12.0) ** 1.1, error="add", trend="add").fit(disp=False, maxiter=2)


WARM_UPS = (figure, fit, forecast)
