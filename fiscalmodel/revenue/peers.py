"""Where a county or city stands among Chinese cities: growth, ups and downs, self-sufficiency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, GREY, RED, Chart, Result, figure, legend
from fiscalmodel.errors import InputError
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series
from fiscalmodel.words import EMPTY, Text, label, say

#: Years that the measures look back.
SPAN = 8
#: Cities within this factor of the revenue are of the same size.
ALIKE = 2.0
#: Fewest cities in a group.
FEWEST = 5
MEASURES = ("growth_pct", "volatility_pct", "self_sufficiency_pct")


@dataclass(frozen=True, eq=False, repr=False)
class Peers(Result):
    """Measures of one series beside those of cities.

    Attributes
    ----------
    table
        ``measure, own, group, cities, lower_quarter, median, upper_quarter, rank_pct``: share of
        the group's cities that lie below. Groups ``same_province``, ``same_size``, ``all_cities``.
    cities
        ``province, city, revenue`` (万元) and the measures of each city.
    years
        First and last year of the growth measured.
    """

    table: pd.DataFrame
    cities: pd.DataFrame
    years: tuple[int, int]

    @property
    def answer(self) -> Text:
        """Yearly growth, and above what share of each group it lies."""
        rows = self.table[self.table["measure"] == MEASURES[0]]
        if rows.empty:
            return EMPTY
        first, last = self.years
        ranks = [
            say("revenue.peers_above", count=count, share=share,
                group=Text(label(group, "zh", "values"), label(group, "en", "values")))
            for group, count, share in rows[["group", "cities", "rank_pct"]].to_numpy()
        ]  # fmt: skip
        return say("revenue.answer_peers", first=first, last=last, own=rows["own"].iloc[0],
                   ranks=ranks)  # fmt: skip

    def plot(self, lang: str | None = None) -> Chart:
        """Each measure against the middle half of each group's cities and their median."""
        shown = list(dict.fromkeys(self.table["measure"]))
        groups = list(dict.fromkeys(self.table["group"]))[::-1]
        made, axes, lang = figure("", lang, size=(8.6, 0.5 * len(groups) + 1.9), panels=len(shown))
        for axis, measure in zip(axes if len(shown) > 1 else [axes], shown, strict=True):
            rows = self.table[self.table["measure"] == measure]
            places = [groups.index(group) for group in rows["group"]]
            axis.barh(places, rows["upper_quarter"] - rows["lower_quarter"], height=0.5,
                      left=rows["lower_quarter"], color=BLUE, alpha=0.35,
                      label=say("revenue.line_middle_half")(lang))  # fmt: skip
            axis.scatter(rows["median"], places, color=GREY, marker="|", s=240, linewidth=2,
                         label=label("median", lang, "debt"))  # fmt: skip
            axis.axvline(rows["own"].iloc[0], color=RED, label=say("revenue.line_own")(lang))
            axis.set_title(label(measure, lang, "values"))
            axis.set_yticks(range(len(groups)), [label(name, lang, "values") for name in groups])
            axis.grid(axis="y", visible=False)
            axis.use_sticky_edges = False
            axis.margins(x=0.08)
        legend(axes[0] if len(shown) > 1 else axes)
        return Chart(made, self.answer(lang))


def measures(revenue: Any, spending: Any = None) -> dict[str, float]:
    """Measures of positive yearly values, oldest first; NaN where they cannot be told.

    Notes
    -----
    Growth: mean yearly growth (y_n/y_1)^{1/(n−1)} − 1. Volatility: standard deviation of log
    growth. Self-sufficiency: revenue over expenditure of the last year that has both. All in %.
    """
    y = np.asarray(revenue, dtype=float)
    found = dict.fromkeys(MEASURES, float("nan"))
    if len(y) > 2 and (y > 0).all():
        steps = np.diff(np.log(y))
        found["growth_pct"] = float(100 * np.expm1(steps.mean()))
        found["volatility_pct"] = float(100 * steps.std(ddof=1))
    if spending is not None:
        paid = np.asarray(spending, dtype=float)
        both = np.flatnonzero((paid > 0) & (y > 0))
        if len(both):
            found["self_sufficiency_pct"] = float(100 * y[both[-1]] / paid[both[-1]])
    return found


def peers(y: Any, *, province: str = "", expenditure: Any = None) -> Peers:
    """Where a yearly revenue series stands among the cities of `data/city_annual.csv`.

    Parameters
    ----------
    y
        General public budget revenue: a `Series` of the project, or a pandas Series on years in
        万元. Measured over the last years that it shares with the cities.
    province
        For the group of its province, e.g. ``"湖北省"``.
    expenditure
        Expenditure, likewise, for self-sufficiency.

    Returns
    -------
    Peers

    Raises
    ------
    InputError
        No years, or fewer than three in common with the cities.
    """
    own = _by_year(y, "y")
    paid = None if expenditure is None else _by_year(expenditure, "expenditure")
    pool = catalog.read("city_annual")
    size = pool.groupby("year").size()
    span = own[own.index <= int(size.index[size >= FEWEST].max())].iloc[-SPAN:]
    if len(span) < 3:
        raise InputError("y", "revenue.peers_few_years", n=len(span))
    first, last = int(span.index[0]), int(span.index[-1])
    rows = []
    within = pool[pool["year"].between(first, last) & (pool["revenue"] > 0)]
    for _, part in within.sort_values("year").groupby("city_code"):
        if len(part) == last - first + 1:
            name = part.iloc[-1]
            found = measures(part["revenue"], part["expenditure"])
            rows.append((name["province"], name["city"], float(name["revenue"]), *found.values()))
    cities = pd.DataFrame(rows, columns=["province", "city", "revenue", *MEASURES])
    ratio = cities["revenue"] / float(span.iloc[-1])
    groups = {
        "same_province": cities[cities["province"] == province],
        "same_size": cities[ratio.between(1 / ALIKE, ALIKE)],
        "all_cities": cities,
    }
    mine = measures(span, None if paid is None else paid.reindex(span.index))
    found_rows = []
    for measure in MEASURES:
        for group, members in groups.items():
            values = members[measure].dropna()
            if len(values) >= FEWEST and np.isfinite(mine[measure]):
                quarters = values.quantile([0.25, 0.5, 0.75]).tolist()
                rank = float(100 * (values < mine[measure]).mean())
                found_rows.append((measure, mine[measure], group, len(values), *quarters, rank))
    columns = ["measure", "own", "group", "cities", "lower_quarter", "median", "upper_quarter"]
    table = pd.DataFrame(found_rows, columns=[*columns, "rank_pct"])
    return Peers(table, cities, (first, last))


def _by_year(y: Any, where: str) -> pd.Series[float]:
    """Values on whole years, sorted; of a `Series` of the project in 万元."""
    values = y.actuals().values if isinstance(y, Series) else y
    if not isinstance(values, pd.Series):
        raise InputError(where, "revenue.peers_no_years")
    index = [int(getattr(label, "year", label)) for label in values.index]
    found = pd.Series(values.to_numpy(dtype=float), index=index, dtype=float)
    if isinstance(y, Series) and y.unit == "元":
        found = found / 10_000
    return found.dropna().sort_index()
