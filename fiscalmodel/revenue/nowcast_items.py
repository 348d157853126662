"""Nowcasts tax by tax that add up to the nowcast of the total."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, RED, SKY, Chart, legend, scale
from fiscalmodel.errors import Collector, InputError, known_names
from fiscalmodel.revenue.items import Reconciled, reconcile_total
from fiscalmodel.revenue.nowcast import Nowcast, nowcast_year
from fiscalmodel.revenue.result import InMoney, band, lying
from fiscalmodel.words import Text, say

#: The line for what the published items leave open in the year to date.
DIFFERENCE = "差额 difference"
#: Differences below this share are rounding of the machine.
_NOTHING = 1e-12


@dataclass(frozen=True, repr=False)
class NowcastItems(InMoney):
    """Items and total of a year under way.

    Attributes
    ----------
    table
        ``item, to_date, alone, mean, lo-80, ..., rest_of_year``; the means add up to the
        total's, which stands last. `alone` is what each said before they were reconciled.
        Where published items do not add up to the published total, the difference in the
        year to date stands on a line of its own, `DIFFERENCE`, before the total.
    items, total
        The nowcasts, shifted to the reconciled means, the last month of `by_month` too; earlier
        months and `models` stay as each said alone.
    reconciled
        How items and total were made to agree.
    notes
        What was done.
    """

    table: pd.DataFrame
    items: Mapping[str, Nowcast]
    total: Nowcast
    reconciled: Reconciled
    notes: tuple[Text, ...]

    @property
    def answer(self) -> Text:
        """The total, and that the items add up to it."""
        return self.total.answer + say("revenue.answer_items", count=len(self.items))

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the amounts."""
        return self.total.unit

    def plot(self, lang: str | None = None) -> Chart:
        """What is in of each item, what is expected, and the narrowest band."""
        rows = self.table.iloc[:-1][::-1].reset_index(drop=True)
        divisor, unit = scale(self.total.unit, float(self.table["mean"].abs().max()))
        title, level = say("revenue.chart_items"), f"{self.total.levels[0]:g}"
        x = unit or say("revenue.value")
        made, axis, lang, places = lying(title, rows["item"].tolist(), lang, x)
        axis.barh(places, rows["to_date"] / divisor, color=BLUE, height=0.55,
                  label=say("revenue.line_to_date")(lang))  # fmt: skip
        axis.barh(places, rows["rest_of_year"] / divisor, left=rows["to_date"] / divisor,
                  color=SKY, alpha=0.55, height=0.55,
                  label=say("revenue.line_rest")(lang))  # fmt: skip
        reach = [(rows["mean"] - rows[f"lo-{level}"]) / divisor,
                 (rows[f"hi-{level}"] - rows["mean"]) / divisor]  # fmt: skip
        axis.errorbar(rows["mean"] / divisor, places, xerr=reach, fmt="none", ecolor=RED,
                      capsize=3, label=say("present.band", level=float(level))(lang))  # fmt: skip
        legend(axis)
        return Chart(made, self.answer(lang))


def nowcast_items(
    cumulative: pd.DataFrame,
    *,
    total: str | None = None,
    budget: Mapping[str, float] | None = None,
    published_growth: Mapping[str, Any] | None = None,
    as_of: str | pd.Period | None = None,
    levels: Sequence[float] = (80, 95),
    hold_total: bool = False,
    unit: str = "",
    plan: Sequence[float] | None = None,
) -> NowcastItems:
    """Nowcast each item and the total, reconciled.

    Parameters
    ----------
    cumulative
        Year-to-date figures, months by items, one unit.
    total
        Column of the total; by default the items are added up, month by month, where all are
        published.
    budget
        Column -> full-year budget.
    published_growth
        Column -> published growth in percent, on months.
    hold_total
        Leave the total as it is said alone; only the items give way.
    unit
        Of the figures, as it is to be said.
    plan
        Monthly plan 序时计划 of the total, as in `nowcast_year`.

    Raises
    ------
    InputError
        As `nowcast_year`, with the column's name; items that do not end in one month; items
        that do not add up to a published total.

    Notes
    -----
    `reconcile_total` with the squared widths of the 80 % bands as variances: a restless item
    gives way more than a calm one. Neither an item nor the total falls below its year to date
    where its months were never negative. What the items leave open in the published year to
    date is not forecast: it is carried as it stands, so that a finished year keeps all its
    published figures. Bands keep their widths around the new means, since errors of items are
    not independent and nothing measured would justify narrower ones.
    """
    frame, whole = with_total(cumulative, total)
    found: dict[str, Nowcast] = {}
    problems = Collector()
    widths = tuple(sorted({80.0, *map(float, levels)}))
    for name in frame.columns:
        try:
            made_alone = nowcast_year(
                frame[name],
                budget=(budget or {}).get(str(name)),
                published_growth=(published_growth or {}).get(str(name)),
                as_of=as_of,
                levels=widths,
                plan=plan if name == whole else None,
            )
            found[str(name)] = replace(made_alone, unit=unit)
        except InputError as error:
            for problem in error.problems:
                problems.add(f"{name}: {problem.where}", problem.said, problem.advice)
    problems.raise_if_any()
    _check_ends(found, whole, total is not None)
    sum_of = found.pop(whole)
    open_now = _difference(found, sum_of)
    line = _line_name(found) if open_now else ""
    made = _reconciled(found, sum_of, {line: open_now} if line else {}, hold_total)
    items = {n: _moved(f, float(made.items[n]), levels) for n, f in found.items()}
    held = hold_total or sum_of.as_of.month == 12
    alone = float(sum_of.full_year["mean"])
    new_total = _moved(sum_of, alone if held else made.total, levels)
    rows = [_row(n, items[n], f) for n, f in found.items()]
    if line:
        flat = dict.fromkeys(("to_date", "alone", *new_total.full_year.index), open_now)
        rows.append({"item": line, **flat, "rest_of_year": 0.0})
    rows.append(_row(whole, new_total, sum_of))
    notes = _notes(found, sum_of, made.gap, open_now, hold_total)
    return NowcastItems(pd.DataFrame(rows), items, new_total, made, notes)


def _difference(found: Mapping[str, Nowcast], sum_of: Nowcast) -> float:
    """Total less items in the year to date; nought where only the machine rounds."""
    parts = [f.to_date for f in found.values()]
    left = sum_of.to_date - sum(parts)
    return left if abs(left) > _NOTHING * sum(map(abs, [*parts, sum_of.to_date])) else 0.0


def _line_name(found: Mapping[str, Nowcast]) -> str:
    name = DIFFERENCE
    while name in found:
        name += " *"
    return name


def _reconciled(
    found: Mapping[str, Nowcast], sum_of: Nowcast, line: Mapping[str, float], hold_total: bool
) -> Reconciled:
    """Items, the line for their difference, and the total, which keeps to its floor."""

    def width(f: Nowcast) -> float:
        low, high = band(f.full_year, 80)
        return high - low

    def solved(total: float, total_spread: float) -> Reconciled:
        return reconcile_total(
            {n: float(f.full_year["mean"]) for n, f in found.items()} | dict(line),
            total,
            item_spread={n: width(f) for n, f in found.items()} | dict.fromkeys(line, 0.0),
            total_spread=total_spread,
            floors={n: f.floor for n, f in found.items() if np.isfinite(f.floor)},
        )

    alone = float(sum_of.full_year["mean"])
    made = solved(alone, 0.0 if hold_total else width(sum_of))
    if made.total < sum_of.floor - _NOTHING * abs(sum_of.floor):
        held = solved(sum_of.floor, 0.0)
        made = replace(held, gap=made.gap)
    return made


def _notes(
    found: Mapping[str, Nowcast], sum_of: Nowcast, gap: float, open_now: float, hold_total: bool
) -> tuple[Text, ...]:
    notes = [
        Text(f"{name}：{note.zh}", f"{name}: {note.en}")
        for name, made in found.items()
        for note in made.notes
        if note != made.method
    ]
    if open_now:
        notes.append(say("revenue.note.items_open", amount=_shown(open_now)))
    if sum_of.as_of.month == 12:
        notes.append(say("revenue.note.items_complete"))
    else:
        key = "items_gave_way" if hold_total else "both_gave_way"
        notes.append(say(f"revenue.note.{key}", amount=_shown(gap)))
    return tuple(dict.fromkeys(notes))


def _shown(amount: float) -> str:
    """Whole numbers from a hundred on, else three digits that count."""
    if not amount or abs(amount) >= 100:
        return f"{amount:,.0f}"
    decimals = 2 - math.floor(math.log10(abs(amount)))
    return f"{amount:.{decimals}f}".rstrip("0").rstrip(".")


def with_total(cumulative: Any, total: str | None) -> tuple[pd.DataFrame, str]:
    """The items beside their total, and its name; by default their sum, where all are known."""
    if not isinstance(cumulative, pd.DataFrame) or not len(cumulative.columns):
        raise InputError("cumulative", "revenue.no_item_table")
    if total is not None:
        if total not in cumulative.columns:
            known = known_names(cumulative.columns)
            raise InputError("total", "revenue.no_column", known, name=total)
        if len(cumulative.columns) < 2:
            raise InputError("cumulative", "revenue.only_total")
        return cumulative, total
    name = "total"
    if name in cumulative.columns:
        raise InputError("cumulative", "revenue.column_total")
    return cumulative.assign(**{name: cumulative.sum(axis=1, skipna=False)}), name


def _check_ends(found: Mapping[str, Nowcast], whole: str, given: bool) -> None:
    ends = {str(f.as_of) for f in found.values()}
    if len(ends) > 1:
        raise InputError("cumulative", "revenue.different_months", months=sorted(ends))
    parts = sum(f.to_date for n, f in found.items() if n != whole)
    if given and abs(parts - found[whole].to_date) > 1e-3 * abs(found[whole].to_date):
        raise InputError(
            "cumulative", "revenue.items_miss", parts=parts, name=whole, total=found[whole].to_date
        )


def _moved(found: Nowcast, mean: float, levels: Sequence[float]) -> Nowcast:
    """The nowcast around another mean, bands as wide as before (not below the floor)."""
    names = ["mean", *(f"{side}-{level:g}" for level in levels for side in ("lo", "hi"))]
    shift = mean - float(found.full_year["mean"])
    full = (found.full_year + shift)[names].clip(lower=found.floor)
    full["mean"] = mean
    bands = [c for c in found.by_month.columns if c[:3] in ("lo-", "hi-") and c not in names]
    by_month = found.by_month.drop(columns=bands)
    by_month.loc[by_month.index[-1], names] = full
    notes = found.notes
    if abs(shift) > _NOTHING * abs(mean):
        notes = (*notes, say("revenue.note.moved", amount=_shown(shift)))
    return replace(found, full_year=full, by_month=by_month, notes=notes)


def _row(name: str, made: Nowcast, before: Nowcast) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": name, "to_date": made.to_date, "alone": float(before.full_year["mean"]),
    }  # fmt: skip
    row.update({str(k): float(v) for k, v in made.full_year.items()})
    row["rest_of_year"] = float(made.rest_of_year["mean"])
    return row
