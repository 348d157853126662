"""Special-bond projects 专项债券项目: coverage over life and each year, and under lower income."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import Checked
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.words import Text, say

#: Falls of income that every project is tested with, percent.
SHOCKS = (0.0, -10.0, -20.0, -30.0)
ByYear = Mapping[int, float] | pd.Series


@dataclass(frozen=True, repr=False)
class Coverage(Checked):
    """How far a project's income covers the service of its bonds.

    Attributes
    ----------
    table
        ``year, income_wan, principal_wan, interest_wan, service_wan, dscr,
        kept_wan, cumulative_dscr``: `dscr` is the year's income over the year's
        service, `kept_wan` the surplus kept so far (negative: what is missing so
        far), `cumulative_dscr` income to date over service to date.
    coverage
        Income over life / principal and interest over life, a multiple.
    shocks
        ``shock_pct, coverage, lowest_dscr, failing_years, first_shortfall_year,
        largest_gap_wan, passes``.
    floor
        The multiple that coverage must reach.
    found
        Where the project fails.
    """

    table: pd.DataFrame
    coverage: float
    shocks: pd.DataFrame
    floor: float
    found: tuple[Finding, ...]

    @property
    def answer(self) -> Text:
        """Coverage over the life against its floor."""
        return say("debt.coverage.answer", coverage=self.coverage, floor=self.floor,
                   years=len(self.failing_years))  # fmt: skip

    @property
    def failing_years(self) -> list[int]:
        """Years whose own income does not cover their service."""
        bad = self.table["dscr"] < 1
        return [int(y) for y in self.table.loc[bad, "year"]]


def yearly_service(schedule: pd.DataFrame) -> pd.DataFrame:
    """Service of a schedule by year: ``year, principal_wan, interest_wan``.

    Parameters
    ----------
    schedule
        What `fiscalmodel.amortise` returns; several schedules may be concatenated.
    """
    years = pd.to_datetime(schedule["date"]).dt.year.rename("year")
    sums = schedule.groupby(years)[["principal", "interest"]].sum().reset_index()
    return sums.rename(columns={"principal": "principal_wan", "interest": "interest_wan"})


def project_coverage(
    income_wan: ByYear,
    service: pd.DataFrame,
    *,
    on: Any,
    floor: float | None = None,
    shocks: Sequence[float] = SHOCKS,
) -> Coverage:
    """Coverage of a project's bonds over life and year by year.

    Parameters
    ----------
    income_wan
        Net project income available for the bonds 可用于偿债的净收益, by year,
        after operating cost; a year without income is stated as 0.
    service
        ``year, principal_wan, interest_wan``, or a schedule of
        `fiscalmodel.amortise` (then summed by year).
    on
        Day whose floor applies.
    floor
        Multiple that coverage must reach; else ``special_bond_coverage_floor``.
    shocks
        Changes of income in percent; a failing project is found in each.

    Raises
    ------
    InputError
        Missing or negative amounts, years twice, service without its income.

    Notes
    -----
    coverage = Σ income / Σ (principal + interest); DSCR = income / service of
    the year. A bullet bond can pass in total and fail in its last year, unless
    the surplus of the years before is kept: `kept_wan` shows whether that
    would carry it.

    Source: 财预〔2017〕89号 (self-balance); the multiple is practice (confidence M).
    """
    if "date" in service:
        service = yearly_service(service)
    table = _joined(income_wan, service)
    total = float(table["service_wan"].sum())
    if total <= 0:
        raise InputError("service", "debt.coverage.nothing")
    least = float(policy.value("special_bond_coverage_floor", on=on)) if floor is None else floor
    rows = [_shocked(table, shock, total, least) for shock in shocks]
    results = pd.DataFrame(rows)
    coverage = float(table["income_wan"].sum()) / total
    return Coverage(table, coverage, results, least, tuple(_found(table, results, least, coverage)))


def _joined(income: ByYear, service: pd.DataFrame) -> pd.DataFrame:
    found = Collector()
    for name in ("year", "principal_wan", "interest_wan"):
        if name not in service:
            found.add("service", "ground.missing", name=name)
    found.raise_if_any()
    if service["year"].duplicated().any():
        year = service["year"][service["year"].duplicated()].iloc[0]
        found.add("service", "debt.year_twice", year=year)
    flows = {int(str(k)): float(v) for k, v in income.items() if v is not None}
    for year, value in flows.items():
        if not math.isfinite(value) or value < 0:
            found.add(f"income_wan[{year}]", "debt.missing_or_negative", text=value)
    lacking = sorted(set(map(int, service["year"])) - set(flows))
    if lacking:
        found.add("income_wan", "debt.coverage.no_income", year=lacking[0])
    for name in ("principal_wan", "interest_wan"):
        if not (service[name] >= 0).all():
            found.add(f"service.{name}", "debt.missing_or_negative", text="")
    found.raise_if_any()
    by_year = service.set_index(service["year"].astype(int))
    years = sorted({*flows, *by_year.index})
    table = pd.DataFrame({"year": years, "income_wan": [flows.get(y, 0.0) for y in years]})
    for name in ("principal_wan", "interest_wan"):
        table[name] = by_year[name].reindex(years).fillna(0.0).to_numpy(float)
    table["service_wan"] = table["principal_wan"] + table["interest_wan"]
    income, due = table["income_wan"], table["service_wan"]
    paid = due.cumsum()
    return table.assign(
        dscr=income / due.where(due > 0), kept_wan=(income - due).cumsum(),
        cumulative_dscr=income.cumsum() / paid.where(paid > 0),
    )  # fmt: skip


def _shocked(table: pd.DataFrame, shock: float, total: float, floor: float) -> dict[str, Any]:
    income = table["income_wan"].to_numpy(float) * (1 + shock / 100)
    due = table["service_wan"].to_numpy(float)
    dscr, kept = income[due > 0] / due[due > 0], np.cumsum(income - due)
    coverage = float(income.sum()) / total
    short = table["year"].to_numpy()[kept < -1e-9]
    return {
        "shock_pct": float(shock),
        "coverage": coverage,
        "lowest_dscr": float(dscr.min()),
        "failing_years": int((dscr < 1 - 1e-12).sum()),
        "first_shortfall_year": int(short[0]) if len(short) else None,
        "largest_gap_wan": max(0.0, -float(kept.min())),
        "passes": coverage >= floor - 1e-12 and not len(short),
    }


def _found(
    table: pd.DataFrame, shocks: pd.DataFrame, floor: float, coverage: float
) -> list[Finding]:
    made = []
    if coverage < floor - 1e-12:
        made.append(
            finding(
                "project_coverage", "life", stated=floor, computed=coverage, unit="倍",
                said=say("debt.coverage.low"),
            )
        )  # fmt: skip
    for year, dscr, kept in zip(table["year"], table["dscr"], table["kept_wan"], strict=True):
        if dscr < 1 - 1e-12:
            carried = kept >= -1e-9
            made.append(
                finding(
                    "project_dscr", str(year), stated=1.0, computed=float(dscr), unit="倍",
                    severity="warning" if carried else "error",
                    said=say("debt.coverage.year_carried" if carried else "debt.coverage.year"),
                )
            )  # fmt: skip
    return made
