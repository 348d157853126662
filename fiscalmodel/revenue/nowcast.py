"""The full year from the year to date: `nowcast_year`; and how good it would have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, GREY, RED, Chart, fan, figure, legend, scale
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.inputs import check_levels, numbers, when
from fiscalmodel.revenue.nowcast_input import Growth, YearTable, read_cumulative, read_growth
from fiscalmodel.revenue.nowcast_model import estimate, way_title
from fiscalmodel.revenue.result import InMoney, band, levels_of, span, weights_chart
from fiscalmodel.revenue.targets import distance, place_in_band
from fiscalmodel.series.monthly import Progress, progress
from fiscalmodel.units import amount_text
from fiscalmodel.words import EMPTY, Text, say


@dataclass(frozen=True, repr=False)
class Nowcast(InMoney):
    """What a year under way will come to.

    Attributes
    ----------
    year, as_of
        The year, and the last month that was used.
    to_date
        Year to date, in the unit of the input.
    full_year
        ``mean, lo-80, hi-80, lo-95, hi-95`` (by level asked for).
    budget
        Full-year budget of the same calibre; None if not given.
    progress
        Completion, even progress 均衡进度 and gap in points; None without a budget.
    by_month
        How the estimate moved over the year's published months: ``month, to_date, mean,
        lo-80, ..., plain_growth``.
    models
        ``model, title, weight, full_year``: what each way of reckoning said.
    notes
        What was done to the input, and why these models.
    unit, name
        Of the series, where known.
    floor
        Least that the full year can be: the year to date where no month of the history was
        negative, else minus infinity.
    method
        The note of how the full year came about.
    last_year
        Full year before, as published; None where it is not.
    """

    year: int
    as_of: pd.Period
    to_date: float
    full_year: pd.Series[float]
    budget: float | None
    progress: Progress | None
    by_month: pd.DataFrame
    models: pd.DataFrame
    notes: tuple[Text, ...]
    unit: str = ""
    name: str = ""
    floor: float = -np.inf
    method: Text = EMPTY
    last_year: float | None = None

    @property
    def rest_of_year(self) -> pd.Series[float]:
        """What is still to come, with the bands of `full_year`."""
        return self.full_year - self.to_date

    @property
    def table(self) -> pd.DataFrame:
        """Year to date, rest and full year as rows of ``what, mean, lo-80, ...``."""
        known = pd.Series(self.to_date, index=self.full_year.index)
        frame = pd.DataFrame([known, self.rest_of_year, self.full_year]).reset_index(drop=True)
        frame.insert(0, "what", ["to_date", "rest_of_year", "full_year"])
        return frame

    @property
    def levels(self) -> tuple[float, ...]:
        """Band levels in percent, ascending."""
        return levels_of(self.full_year.index)

    @property
    def answer(self) -> Text:
        """What the year will come to, its band, and how far that is from the budget.

        A whole year of months is no estimate: it is told as what came in.
        """
        if self.as_of.month == 12:
            return self._whole_year()
        level = self.levels[0]
        mean = float(self.full_year["mean"])
        said = say(
            "revenue.answer_nowcast", month=when(self.as_of), level=level,
            change=self._change(mean),
            to_date=amount_text(self.to_date, self.unit, like=mean),
            mean=amount_text(mean, self.unit),
            span=span(*band(self.full_year, level), self.unit, mean),
        )  # fmt: skip
        if self.budget is None:
            return said
        return said + say(
            "revenue.answer_budget", budget=amount_text(self.budget, self.unit),
            distance=distance(self.budget, mean, self.unit),
            place=place_in_band(self.budget, {x: band(self.full_year, x) for x in self.levels}),
        )  # fmt: skip

    def _whole_year(self) -> Text:
        said = say(
            "revenue.answer_whole_year", year=self.year, change=self._change(self.to_date),
            amount=amount_text(self.to_date, self.unit),
        )  # fmt: skip
        if self.budget is None:
            return said
        done = 100 * self.to_date / self.budget
        return said + say(
            "revenue.answer_done", budget=amount_text(self.budget, self.unit), pct=done
        )

    def _change(self, mean: float) -> Text:
        """The growth on last year that is expected, where that is known."""
        if self.last_year is None or not self.last_year > 0:
            return EMPTY
        pct = 100 * (mean / self.last_year - 1)
        return say(f"revenue.nowcast_{'up' if pct >= 0 else 'down'}", pct=abs(pct))

    def plot(self, lang: str | None = None) -> Chart:
        """How the estimate moved month by month, with bands, and the budget or last year."""
        table = self.by_month
        divisor, unit = scale(self.unit, float(table["mean"].abs().max()))
        made, axis, lang = figure(
            say("revenue.chart_nowcast", year=self.year), lang,
            unit=unit or say("revenue.value"), x=say("revenue.up_to_month"),
        )  # fmt: skip
        mark, name = self.budget, say("revenue.line_budget")
        if mark is None:
            mark, name = self.last_year, say("revenue.line_last_year", year=self.year - 1)
        months = [p.month for p in table["month"]]
        _month_by_month(axis, months, table, divisor, lang, "expected", mark, name)
        axis.set_xticks(range(1, 13), [say("revenue.month", m=m)(lang) for m in range(1, 13)])
        axis.set_xlim(0.7, 12.3)
        legend(axis)
        return Chart(made, self.answer(lang))

    def plot_models(self, lang: str | None = None) -> Chart:
        """What each way of reckoning says of the full year; the dot grows with its weight."""
        level = self.levels[0]
        frame = pd.DataFrame(
            {
                "title": [way_title(way) for way in self.models["model"]],
                "value": self.models["full_year"],
                "weight": self.models["weight"],
            }
        )
        title, limits = say("revenue.chart_ways", level=level), band(self.full_year, level)
        return weights_chart(frame, float(self.full_year["mean"]), title, self.unit, lang, limits)


def _month_by_month(
    axis: Any, months: Any, table: pd.DataFrame, divisor: float, lang: str, line: str,
    mark: float | None, name: Text,
) -> None:  # fmt: skip
    """The estimate with its bands beside plain growth, and what it is to be measured by."""
    fan(axis, months, table, divisor=divisor, lang=lang)
    then = line == "then"  # smaller, where each year has a panel of its own
    axis.plot(months, table["mean"] / divisor, color=BLUE, marker="o", markersize=4 if then else 5,
              label=say(f"revenue.line_{line}")(lang))  # fmt: skip
    axis.plot(months, table["plain_growth"] / divisor, color=GREY, linestyle="--",
              marker="" if then else "x", label=say("revenue.line_plain")(lang))  # fmt: skip
    if mark is not None:
        axis.axhline(mark / divisor, color=RED, linewidth=1.4, label=name(lang))


def nowcast_year(
    cumulative: Any,
    *,
    budget: float | None = None,
    published_growth: Any = None,
    as_of: str | pd.Period | None = None,
    levels: Sequence[float] = (80, 95),
    plan: Sequence[float] | None = None,
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
    plan
        Monthly plan 序时计划 of the year: twelve cumulative amounts, same unit and calibre; the
        full year is then the plan's at the progress so far.

    Returns
    -------
    Nowcast

    Raises
    ------
    InputError
        No value, text or infinite values, a month twice, single months instead of
        cumulative ones, a budget, plan or level out of range.

    Examples
    --------
    >>> months = pd.period_range("2023-01", "2024-06", freq="M")
    >>> ytd = pd.Series([10.0 * p.month * (1.05 if p.year == 2024 else 1) for p in months], months)
    >>> found = nowcast_year(ytd, budget=125)
    >>> found.year, found.to_date, bool(found.full_year["lo-80"] < found.full_year["mean"])
    (2024, 63.0, True)
    """
    wanted = check_levels(levels)
    planned, by_plan = _budget(budget), _plan(plan)
    table = read_cumulative(cumulative, as_of)
    growth = read_growth(published_growth, table)
    now = estimate(table, wanted, growth, by_plan)
    notes = [*table.notes, *now.notes, *([now.method] if now.method else [])]
    if planned is not None and planned < table.to_date and table.month < 12:
        notes.append(
            say("revenue.note.budget_below", budget=amount_text(planned, table.unit),
                to_date=amount_text(table.to_date, table.unit))
        )  # fmt: skip
    return Nowcast(
        year=table.year,
        as_of=pd.Period(year=table.year, month=table.month, freq="M"),
        to_date=table.to_date,
        full_year=now.full_year,
        budget=planned,
        progress=None if planned is None else progress(table.to_date, planned, table.month),
        by_month=_by_month(table, wanted, growth, by_plan),
        models=now.models,
        notes=tuple(notes),
        unit=table.unit,
        name=table.name,
        floor=now.floor,
        method=now.method,
        last_year=_last_year(table),
    )


def _last_year(table: YearTable) -> float | None:
    known = len(table.years) > 1 and not np.isnan(table.values[-2, 11])
    return float(table.values[-2, 11]) if known else None


def _plan(plan: Any) -> list[float] | None:
    if plan is None:
        return None
    found = [float(value) for value in numbers(list(plan), "plan")]
    if len(found) != 12 or not (np.diff([0.0, *found]) >= 0).all() or not found[11] > 0:
        raise InputError("plan", "revenue.plan_not_cumulative")
    return found


def _budget(budget: Any) -> float | None:
    if budget is None:
        return None
    value = float(numbers([budget], "budget")[0])
    if not value > 0:
        raise InputError("budget", "revenue.budget_not_positive", value=budget)
    return value


def _by_month(
    table: YearTable,
    levels: tuple[float, ...],
    growth: Growth,
    plan: list[float] | None,
) -> pd.DataFrame:
    rows = []
    for month in range(1, table.month + 1):
        if (then := table.until(table.year, month)) is not None:
            made = estimate(then, levels, growth, plan)
            last = pd.Period(year=table.year, month=month, freq="M")
            rows.append({"month": last, "to_date": then.to_date, **made.full_year.to_dict(),
                         "plain_growth": made.plain_growth})  # fmt: skip
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- past years


class Review(InMoney, pd.DataFrame):
    """The nowcasts of past years beside their outturns, which draw themselves."""

    @property
    def table(self) -> pd.DataFrame:
        """Errors and coverage by month, see `accuracy`."""
        return accuracy(self, tuple(range(1, 12))).rename(columns={"month": "month_number"})

    @property
    def answer(self) -> Text:
        """Over how many years, and how large the errors were beside plain growth."""
        own, plain = (float(self[c].abs().mean()) for c in ("error_pct", "plain_error_pct"))
        return say("revenue.answer_review", years=self["year"].nunique(), own=own, plain=plain)

    def plot(self, lang: str | None = None) -> Chart:  # type: ignore[override]
        """The last four years, month by month, each in a panel of its own."""
        years = list(dict.fromkeys(self["year"]))[-4:]
        divisor, unit = scale(str(self.attrs.get("unit", "")), float(self["outturn"].abs().max()))
        made, axes, lang = figure(
            "", lang, unit=unit or say("revenue.value"), x=say("revenue.up_to_month"),
            size=(max(5.5, 3.9 * len(years)), 3.9), panels=len(years),
        )  # fmt: skip
        for axis, year in zip(axes if len(years) > 1 else [axes], years, strict=True):
            part = self[self["year"] == year]
            outturn, name = float(part["outturn"].iloc[0]), say("revenue.line_outturn")
            _month_by_month(axis, part["month"], part, divisor, lang, "then", outturn, name)
            axis.set_title(when(year)(lang))
            axis.set_xticks([2, 4, 6, 8, 10, 12])
            axis.set_xlim(1.5, 12)
        legend(axes[0] if len(years) > 1 else axes)
        return Chart(made, self.answer(lang))


def review_years(cumulative: Any, *, published_growth: Any = None, least: int = 1) -> Review:
    """Nowcast every month of every finished year with what was known then.

    Parameters
    ----------
    cumulative, published_growth
        As for `nowcast_year`; growth of later months is not used.
    least
        Whole years that must lie before.

    Returns
    -------
    Review
        A frame ``year, month, to_date, mean, lo-80, hi-80, lo-95, hi-95, plain_growth, outturn,
        error_pct, plain_error_pct``, one row for each published month but the last.

    Raises
    ------
    InputError
        If no year is finished with enough years before it.
    """
    table = read_cumulative(cumulative)
    ends = {
        year: float(row[11])
        for year, row in zip(table.years, table.values, strict=True)
        if row[11] == row[11]
    }
    frames = []
    for year, outturn in ends.items():
        before = [y for y in ends if y < year]
        if len(before) < least or year - 1 not in ends:
            continue
        found = nowcast_year(cumulative, published_growth=published_growth, as_of=f"{year}-12")
        frame = found.by_month.iloc[:-1].copy()
        frame.insert(0, "year", year)
        frame["month"] = [m.month for m in frame["month"]]
        frame["outturn"] = outturn
        frames.append(frame)
    if not frames:
        raise InputError("cumulative", "revenue.no_finished_year")
    result = Review(pd.concat(frames, ignore_index=True))
    result.attrs["unit"] = table.unit
    result["error_pct"] = 100 * (result["mean"] / result["outturn"] - 1)
    result["plain_error_pct"] = 100 * (result["plain_growth"] / result["outturn"] - 1)
    return result


def accuracy(review: pd.DataFrame, months: tuple[int, ...] = (3, 6, 9, 11)) -> pd.DataFrame:
    """Mean absolute percentage errors by month gone, beside plain growth.

    Returns
    -------
    DataFrame
        ``month, years, mape, plain_mape, ratio, coverage_80, coverage_95``.
    """
    rows = []
    for month in months:
        part = review[review["month"] == month]
        if len(part):
            own, plain = (float(part[c].abs().mean()) for c in ("error_pct", "plain_error_pct"))
            inside = [
                100 * float(part["outturn"].between(part[f"lo-{x}"], part[f"hi-{x}"]).mean())
                for x in (80, 95)
            ]
            ratio = own / plain if plain > 0 else float("nan")
            rows.append((month, len(part), own, plain, ratio, *inside))
    columns = ["month", "years", "mape", "plain_mape", "ratio", "coverage_80", "coverage_95"]
    return pd.DataFrame(rows, columns=columns)
