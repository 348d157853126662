"""The full year from the year to date: `nowcast_year`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.nowcast_input import YearTable, read_cumulative
from fiscalmodel.revenue.nowcast_model import Estimate, estimate
from fiscalmodel.revenue.targets import probability_of_at_least
from fiscalmodel.series.monthly import Progress, progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Nowcast", "nowcast_year"]


@dataclass(frozen=True)
class Nowcast:
    """What a year under way will come to.

    Attributes
    ----------
    year, as_of
        The year, and the last month that was used.
    to_date
        Year to date, in the unit of the input.
    full_year, rest_of_year
        ``mean, lo-80, hi-80, lo-95, hi-95`` (by level asked for).
    table
        Both, and the year to date, as rows of ``what, mean, lo-80, ...``.
    budget
        Full-year budget of the same calibre; None if not given.
    probability_of_budget_pct
        Chance of at least the budget, whole percent; None without a budget.
    progress
        Completion, even progress 均衡进度 and gap in points; None without a budget.
    by_month
        How the estimate moved over the year's published months: ``month, to_date, mean,
        lo-80, ..., plain_growth`` and, with a budget, ``probability_pct``.
    models
        ``model, title, weight, full_year``: what each way of reckoning said.
    notes
        What was done to the input, and why these models.
    unit, name
        Of the series, where known.
    floor
        Least that the full year can be: the year to date where no month of the history was
        negative, else minus infinity.
    """

    year: int
    as_of: pd.Period
    to_date: float
    full_year: pd.Series[float]
    rest_of_year: pd.Series[float]
    table: pd.DataFrame
    budget: float | None
    probability_of_budget_pct: float | None
    progress: Progress | None
    by_month: pd.DataFrame
    models: pd.DataFrame
    notes: tuple[str, ...]
    unit: str = ""
    name: str = ""
    floor: float = -np.inf

    @property
    def notes_zh(self) -> tuple[str, ...]:
        """The notes in Chinese."""
        from fiscalmodel.revenue.notes_zh import in_chinese

        return tuple(map(in_chinese, self.notes))

    @property
    def levels(self) -> tuple[float, ...]:
        """Band levels in percent, ascending."""
        return tuple(sorted(float(c[3:]) for c in self.full_year.index if c.startswith("lo-")))

    def probability_of_at_least(self, amount: float) -> float:
        """Chance in percent that the full year comes to at least `amount`.

        100 only where the amount is in already and no month of the history was negative.
        """
        return _chance(amount, self.full_year, self.floor)

    def plot(self, lang: str = "zh") -> Figure:
        """How the estimate moved month by month, with bands and the budget."""
        from fiscalmodel.present.charts_nowcast import nowcast_chart

        return nowcast_chart(self, lang=lang)


def nowcast_year(
    cumulative: Any,
    *,
    budget: float | None = None,
    published_growth: Any = None,
    as_of: str | pd.Period | None = None,
    levels: Sequence[float] = (80, 95),
) -> Nowcast:
    """Estimate the full year from the year to date.

    Parameters
    ----------
    cumulative
        Year-to-date 累计 figures of this year and years before: pandas Series on months
        (January may be published only inside January-February, whole months may lack),
        mapping of month to value, or the project's `Series`. Any unit.
    budget
        Full-year budget, same unit and calibre.
    published_growth
        Published year-to-date growth on the year before in percent, on months; where it
        differs from what the levels say, it stands for the underlying growth (同口径).
    as_of
        Last month to use; by default the last that has a value.
    levels
        Bands in percent.

    Returns
    -------
    Nowcast

    Raises
    ------
    InputError
        No value, text or infinite values, a month twice, single months instead of
        cumulative ones, a budget or level out of range.

    Examples
    --------
    >>> months = pd.period_range("2023-01", "2024-06", freq="M")
    >>> ytd = pd.Series([10.0 * p.month * (1.05 if p.year == 2024 else 1) for p in months], months)
    >>> found = nowcast_year(ytd, budget=125)
    >>> found.year, found.to_date, bool(found.full_year["lo-80"] < found.full_year["mean"])
    (2024, 63.0, True)
    """
    wanted = _levels(levels)
    planned = _budget(budget)
    table = read_cumulative(cumulative, as_of)
    growth = _growth(published_growth, table)
    now = estimate(table, wanted, growth)
    full = _bands(now, 0.0)
    rest = _bands(now, table.to_date)
    return Nowcast(
        year=table.year,
        as_of=pd.Period(year=table.year, month=table.month, freq="M"),
        to_date=table.to_date,
        full_year=full,
        rest_of_year=rest,
        table=_table(table.to_date, rest, full),
        budget=planned,
        probability_of_budget_pct=None if planned is None else _chance(planned, full, now.floor),
        progress=None if planned is None else progress(table.to_date, planned, table.month),
        by_month=_by_month(table, wanted, growth, planned),
        models=now.models,
        notes=(*table.notes, *now.notes),
        unit=table.unit,
        name=table.name,
        floor=now.floor,
    )


def _levels(levels: Any) -> tuple[float, ...]:
    from fiscalmodel.revenue.inputs import check_levels

    return tuple(check_levels(levels))


def _budget(budget: Any) -> float | None:
    if budget is None:
        return None
    try:
        value = float(budget)
    except (TypeError, ValueError):
        raise InputError(
            "budget", f"{budget!r} is no number", "give the full-year budget"
        ) from None
    if not np.isfinite(value) or value <= 0:
        raise InputError("budget", f"{budget} is not above zero", "give the full-year budget")
    return value


def _growth(published: Any, table: YearTable) -> dict[tuple[int, int], float]:
    """Published growth as a ratio, by (year, month)."""
    if published is None:
        return {}
    values = getattr(published, "values", published) if hasattr(published, "kinds") else published
    if isinstance(values, dict):
        values = pd.Series(values, dtype=object)
    if not isinstance(values, pd.Series):
        raise InputError("published_growth", "is no series on months", "give percent by month")
    from fiscalmodel.days import period

    found = {}
    for label, value in values.items():
        month = period(label)
        if month is None or month.freqstr[0] != "M":
            raise InputError("published_growth", f"{label!r} is no month", "label with 2024-06")
        try:
            number = float(value)
        except (TypeError, ValueError):
            problem = f"{label}: {value!r} is no number"
            raise InputError("published_growth", problem, "give percent") from None
        if np.isfinite(number) and number > -100:
            found[(int(month.year), int(month.month))] = number / 100
    return found


def _bands(now: Estimate, less: float) -> pd.Series[float]:
    values = {"mean": now.mean - less}
    for level, (low, high) in now.bands.items():
        values[f"lo-{level:g}"], values[f"hi-{level:g}"] = low - less, high - less
    return pd.Series(values, dtype=float)


def _table(to_date: float, rest: pd.Series[float], full: pd.Series[float]) -> pd.DataFrame:
    known = pd.Series(to_date, index=full.index)
    frame = pd.DataFrame([known, rest, full]).reset_index(drop=True)
    frame.insert(0, "what", ["to_date", "rest_of_year", "full_year"])
    return frame


def _chance(amount: float, full: pd.Series[float], floor: float) -> float:
    """Chance of at least `amount`; certain where it is no more than the full year's floor."""
    if amount <= floor:
        return 100.0
    levels = [float(name[3:]) for name in full.index if name.startswith("lo-")]
    bands = {x: (float(full[f"lo-{x:g}"]), float(full[f"hi-{x:g}"])) for x in levels}
    mean = float(full["mean"])
    if all(low == high for low, high in bands.values()):
        return 100.0 if mean >= amount else 0.0
    return probability_of_at_least(amount, mean, bands)


def _by_month(
    table: YearTable,
    levels: tuple[float, ...],
    growth: dict[tuple[int, int], float],
    budget: float | None,
) -> pd.DataFrame:
    rows = []
    for month in range(1, table.month + 1):
        then = table.until(table.year, month)
        if then is None:
            continue
        made = estimate(then, levels, growth)
        full = _bands(made, 0.0)
        row: dict[str, Any] = {
            "month": pd.Period(year=table.year, month=month, freq="M"),
            "to_date": then.to_date,
            **{str(name): value for name, value in full.items()},
            "plain_growth": made.plain_growth,
        }
        if budget is not None:
            row["probability_pct"] = _chance(budget, full, made.floor)
        rows.append(row)
    return pd.DataFrame(rows)
