"""Yearly public finance elsewhere, forecast by a network that has seen none of it.

    python benchmarks/public_finance.py     # some minutes; writes results/public_finance.csv

Spending, own revenue and grants of Swedish municipalities, school districts of Michigan, tax of
counties of North Carolina, public capital of US states: the last three values of each series from
all before them, against last value and drift, by group. The network is trained without all of
these groups, otherwise as the shipped one (two members for eight).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from _economies import LOCAL_FINANCE, local_finance_of
from _results import write
from _training import LOCAL, sample, train, windows, without, yearly_series

from fiscalmodel.revenue import metrics, pooled
from fiscalmodel.revenue.engine import SHARES
from fiscalmodel.revenue.models import candidate_forecasts, drift, held, naive
from fiscalmodel.revenue.pooled import TRAINED_STEPS, Network

AHEAD, FEWEST = 3, 4
TITLES = (
    "municipalities (Sweden)", "school districts (Michigan)", "county tax (North Carolina)",
    "public capital (US states)",
)  # fmt: skip


def measured(series: list[np.ndarray], net: Network) -> pd.DataFrame:
    """Symmetric and scaled errors of each method, one row a series and step."""
    rows = []
    for n in sorted({len(y) for y in series}):
        if n - AHEAD < FEWEST:
            continue
        y = np.stack([one for one in series if len(one) == n])
        past, actual = y[:, :-AHEAD], y[:, -AHEAD:]
        names, parts = candidate_forecasts(past, TRAINED_STEPS)
        part = dict(zip(names, parts, strict=True))
        part["pooled"] = held(past, pooled.forecast(past, parts, net))
        own = sum(share * part[name] for name, share in SHARES.items())
        unit = np.array([metrics.mase_scale(one) for one in past])[:, None]
        for method, mean in (
            ("fiscalmodel", own[:, :AHEAD]),
            ("pooled alone", part["pooled"][:, :AHEAD]),
            ("naive", naive(past, AHEAD)),
            ("drift", drift(past, AHEAD)),
        ):
            found = {"method": method, "smape": metrics.smape(actual, mean).ravel()}
            found["mase"] = (np.abs(actual - mean) / unit).ravel()
            rows.append(pd.DataFrame(found))
    return pd.concat(rows)


def main() -> None:
    """Train, measure, print and write."""
    win = windows(yearly_series())
    net = train(without(win, sample(win), LOCAL, -1, (0, 0)), win, members=2)
    groups = dict(zip(TITLES, map(local_finance_of, LOCAL_FINANCE), strict=True))
    found = {title: measured(series, net) for title, series in groups.items()}
    found["all"] = pd.concat(found.values())
    tables = []
    for title, errors in found.items():
        means = errors.groupby("method", sort=False)[["smape", "mase"]].mean()
        base = means.loc["naive"]
        means["owa"] = [
            metrics.owa(row.smape, row.mase, base["smape"], base["mase"])
            for row in means.itertuples()
        ]
        count = len(groups.get(title, [y for series in groups.values() for y in series]))
        tables.append(means.reset_index().assign(group=title, series=count))
    table = pd.concat(tables).round(3)[["group", "series", "method", "smape", "mase", "owa"]]
    print(table.to_string(index=False))
    write("public_finance", table)


if __name__ == "__main__":
    main()
