"""What the general budget can give to clearing debt, after what ranks before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.display import GREEN, RED, Chart, Found, chart, stack
from fiscalmodel.errors import Collector
from fiscalmodel.findings import Finding, finding
from fiscalmodel.words import Text, say

ByPeriod = float | Sequence[float] | Mapping[Any, float] | pd.Series


@dataclass(frozen=True, repr=False)
class ClearanceResources(Found):
    """What the general budget can give to clearing debt, by period, 万元.

    Attributes
    ----------
    table
        ``period, resources_wan, sanbao_wan, statutory_debt_service_wan,
        other_commitments_wan, available_wan, shortfall_wan``; one of the last two
        is 0 in each row, and resources − needs = available − shortfall.
    """

    table: pd.DataFrame

    def __getitem__(self, column: str) -> pd.Series[float]:
        """A column of the table."""
        return self.table[column]

    def __float__(self) -> float:
        """What is available in all periods together, 万元."""
        return math.fsum(self.table["available_wan"])

    @property
    def shortfalls(self) -> pd.DataFrame:
        """Periods whose needs exceed their resources; empty if there are none."""
        return self.table[self.table["shortfall_wan"] > 0].reset_index(drop=True)

    @property
    def found(self) -> tuple[Finding, ...]:
        """One finding for each shortfall."""
        needs = self.table["resources_wan"] + self.table["shortfall_wan"]
        rows = zip(self.table["period"], self.table["resources_wan"], needs, strict=True)
        return tuple(
            finding(
                "available_for_clearance",
                str(period),
                stated=float(resources),
                computed=float(need),
                said=say("budget.nothing_left"),
            )
            for period, resources, need in rows
            if need > resources
        )

    @property
    def answer(self) -> Text:
        """What is left in all, and what is missing."""
        periods = self.table["period"]
        said = say(
            "budget.available", first=periods.iloc[0], last=periods.iloc[-1], total=float(self)
        )
        short = math.fsum(self.table["shortfall_wan"])
        return say("budget.available_short", said=said, short=short) if short else said

    def plot(self, lang: str | None = None) -> Chart:
        """What is left in each period, and what is missing."""
        table = self.table.set_index("period")
        shown = table[["available_wan"]].assign(shortfall_wan=-table["shortfall_wan"])
        shown = shown if len(self.shortfalls) else shown[["available_wan"]]
        title = say("budget.chart_available")
        return chart(stack, shown, title, self.answer, lang, colors=(GREEN, RED))


def available_for_clearance(
    resources: ByPeriod,
    sanbao_need: ByPeriod,
    statutory_debt_service: ByPeriod = 0.0,
    *,
    other_commitments_wan: ByPeriod = 0.0,
    periods: Iterable[Any] | None = None,
) -> ClearanceResources:
    """Resources − 三保 − statutory debt service − other commitments, by period.

    Parameters
    ----------
    resources
        General-budget resources of each period, 万元: own revenue, transfers and
        what else may be spent freely; without bond proceeds tied to projects.
    sanbao_need
        Need of 保基本民生, 保工资, 保运转; it ranks before all other spending.
    statutory_debt_service
        Principal and interest of statutory debt paid from the general budget.
    other_commitments_wan
        Further spending that is fixed.
    periods
        Labels of the periods; else those of the first argument that has any,
        else 1, 2, 3 …

        Each argument is a scalar, one value a period, or period -> value; where
        periods are named they must be the same ones.

    Returns
    -------
    ClearanceResources
        What is available is never negative: a shortfall stands in its own
        column and as a finding.

    Raises
    ------
    InputError
        For missing, non-numeric or negative needs, or periods that differ.

    Examples
    --------
    >>> available_for_clearance({2026: 900.0, 2027: 700.0}, 600, 200)["available_wan"].tolist()
    [100.0, 0.0]
    """
    given: dict[str, ByPeriod] = {
        "resources": resources,
        "sanbao_need": sanbao_need,
        "statutory_debt_service": statutory_debt_service,
        "other_commitments_wan": other_commitments_wan,
    }
    labels, found = _period_labels(given, periods), Collector()
    columns = {name: _by_period(found, name, values, labels) for name, values in given.items()}
    found.raise_if_any()
    table = pd.DataFrame(columns).rename(
        columns={"resources": "resources_wan", "sanbao_need": "sanbao_wan",
                 "statutory_debt_service": "statutory_debt_service_wan"}
    )  # fmt: skip
    needs = columns["sanbao_need"] + columns["statutory_debt_service"]
    free = columns["resources"] - (needs + columns["other_commitments_wan"])
    table.insert(0, "period", labels)
    return ClearanceResources(
        table.assign(available_wan=np.maximum(free, 0.0), shortfall_wan=np.maximum(-free, 0.0))
    )


def _period_labels(given: Mapping[str, ByPeriod], periods: Iterable[Any] | None) -> list[Any]:
    if periods is not None:
        return list(periods)
    for values in given.values():
        if isinstance(values, Mapping | pd.Series):
            return list(values.keys())
    lengths = {len(v) for v in given.values() if isinstance(v, Sequence | np.ndarray)}
    return list(range(1, max(lengths, default=1) + 1))


def _by_period(
    found: Collector, name: str, values: ByPeriod, labels: Sequence[Any]
) -> npt.NDArray[np.float64]:
    nothing = np.full(len(labels), np.nan)
    if isinstance(values, Mapping | pd.Series):
        extra = [k for k in values.keys() if k not in labels]  # noqa: SIM118  a Series iterates values
        lacking = [k for k in labels if k not in values]
        if lacking:
            found.add(name, "budget.periods_differ", name=name, period=lacking[0])
            return nothing
        if extra:
            found.add(name, "budget.period_too_many", name=name, period=extra[0])
            return nothing
        values = [values[k] for k in labels]
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        found.add(name, "budget.not_numbers", text=str(values))
        return nothing
    if array.ndim and len(array) != len(labels):
        found.add(name, "budget.wrong_count", count=len(array), periods=len(labels))
        return nothing
    array = np.broadcast_to(array, len(labels))
    for label, value in zip(labels, array, strict=True):
        if not math.isfinite(value):
            found.add(f"{name}[{label}]", "budget.amount_missing")
        elif value < 0 and name != "resources":
            found.add(f"{name}[{label}]", "budget.negative_need", value=value)
    return array
