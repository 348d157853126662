"""Special-bond projects 专项债券项目: does each one's income carry its bonds, and by how much.

A project can pass over its life and fail in a year: a bullet bond in its last, a slow start in
its first. The break-even fall of income says how far the forecast of income may be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.debt.cashflow import amortise
from fiscalmodel.debt.coverage import Coverage, project_coverage
from fiscalmodel.debt.ledger import coupons
from fiscalmodel.display import BLUE, ORANGE, Chart, Found, bars, chart
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding
from fiscalmodel.tables.records import FILLED, TableLike, read_records
from fiscalmodel.words import Text, headers_in, say


@dataclass(frozen=True, repr=False)
class BondProjects(Found):
    """Coverage of every special-bond project.

    Attributes
    ----------
    table
        ``project_id, name, amount_wan, life_coverage, floor, lowest_dscr, failing_years,
        first_failing_year, life_fall_pct, break_even_fall_pct, passes``. ``life_fall_pct`` is
        the fall of all income at which the bonds are just paid over their life,
        ``break_even_fall_pct`` the one at which they are just paid in every year out of what
        came in until then; negative where income is too low already.
    by_year
        ``project_id, year, income_wan, principal_wan, interest_wan, service_wan, dscr,
        kept_wan, cumulative_dscr``.
    coverage
        Project -> its `Coverage`, with the shocks.
    """

    table: pd.DataFrame
    by_year: pd.DataFrame
    coverage: Mapping[str, Coverage]

    @property
    def found(self) -> tuple[Finding, ...]:
        """Where a project fails: its name, and the year where it is one's."""
        names = dict(zip(self.table["project_id"], self.table["name"], strict=True))
        return tuple(
            replace(f, where=f"{names.get(key, key)} {f.where}".removesuffix(" life"))
            for key, made in self.coverage.items() for f in made.found
        )  # fmt: skip

    @property
    def answer(self) -> Text:
        """How many pass, and which do not."""
        failing = self.table[~self.table["passes"].astype(bool)]
        tight = self.table.iloc[int(self.table["break_even_fall_pct"].argmin())]
        values = {
            "count": len(self.table), "tight": tight["name"],
            "fall": float(tight["break_even_fall_pct"]),
        }  # fmt: skip
        if failing.empty:
            return say("budget.projects_pass", **values)
        return say("budget.projects_fail", failing=list(failing["name"]), **values)

    @property
    def short(self) -> pd.DataFrame:
        """The projects, with years as text."""
        years = ["" if math.isnan(y) else str(int(y)) for y in self.table["first_failing_year"]]
        return self.table.drop(columns=["project_id", "lowest_dscr"]).assign(
            first_failing_year=years
        )

    def plot(self, lang: str | None = None) -> Chart:
        """Coverage over life, and in the worst year, of each project."""
        shown = self.table.set_index("name")[["life_coverage", "lowest_dscr"]]
        title = say("budget.chart_projects")
        return chart(bars, shown, title, self.answer, lang, unit="", colors=(BLUE, ORANGE))


def bond_projects(projects: TableLike, income: TableLike, *, on: Any) -> BondProjects:
    """Coverage of each project of a table by its income.

    Parameters
    ----------
    projects
        One row a project: ``project_id, name, amount_wan, rate_pct, start, maturity,
        repayment, frequency``.
    income
        ``project_id, year, income_wan``: net income after operating cost. A year with debt
        service needs a row; no income is 0, stated.
    on
        Day whose floor of coverage applies.

    Raises
    ------
    InputError
        With every problem of both tables.

    Notes
    -----
    coverage over life = Σ income / Σ (principal + interest); it falls to 1 when all income
    falls by 1 − 1 / coverage. Paid in every year means that income to date covers service to
    date: the break-even fall is 1 − 1 / the lowest of these ratios.
    """
    found = Collector()
    bonds = read_records(
        projects, name="projects", columns=headers_in("bond_projects"), unit="万元", found=found
    )
    bonds.need("project_id", "amount_wan", "rate_pct", "start", "maturity")
    flows = read_records(
        income, name="income", columns=headers_in("bond_income"), unit="万元", found=found
    )
    flows.need("project_id", "year", "income_wan")
    by_project: dict[str, dict[int, float]] = {}
    for row in flows:
        mine = by_project.setdefault(row.text("project_id", FILLED), {})
        year = row.year("year")
        if year in mine:
            row.report("year", "debt.year_twice", year=year)
        mine[year] = row.wan("income_wan", low=0)
    terms = list[dict[str, Any]]()
    for row in bonds:
        key = row.text("project_id", FILLED)
        if 0 < row.number("rate_pct", default=0.0) < 0.2:
            row.report("rate_pct", "budget.rate_as_ratio", text=row.text("rate_pct"))
        if key not in by_project:
            row.report("project_id", "budget.no_income", text=key)
        if key in {term["key"] for term in terms}:
            row.report("project_id", "budget.project_twice", text=key)
        terms.append(
            {
                "key": key,
                "name": row.text("name") or key,
                "principal": row.wan("amount_wan", low=0.01),
                "rate_pct": row.number("rate_pct", low=0, high=20),
                "start": row.day("start"),
                "maturity": row.day("maturity"),
                "method": row.word("repayment", "repayment", default="bullet"),
                "frequency": coupons(row, "half_year"),
            }
        )
    for key in sorted(set(by_project) - {term["key"] for term in terms}):
        found.add(flows.place(), "budget.income_of_none", text=key)
    found.raise_if_any()
    made: dict[str, Coverage] = {}
    for term in terms:
        try:
            made[term["key"]] = _covered(term, by_project[term["key"]], on)
        except InputError as error:
            for problem in error.problems:
                found.add(f"{term['key']}: {problem.where}", problem.said, problem.hint)
    found.raise_if_any()
    rows = [_row(term, made[term["key"]]) for term in terms]
    years = [part.table.assign(project_id=key) for key, part in made.items()]
    by_year = pd.concat(years, ignore_index=True)
    order = ["project_id", *(c for c in by_year if c != "project_id")]
    return BondProjects(pd.DataFrame(rows), by_year[order], made)


def _covered(term: Mapping[str, Any], income: Mapping[int, float], on: Any) -> Coverage:
    service = amortise(
        term["principal"], term["rate_pct"], start=term["start"], maturity=term["maturity"],
        method=term["method"], frequency=term["frequency"],
    )  # fmt: skip
    return project_coverage(income, service, on=on)


def _row(term: Mapping[str, Any], made: Coverage) -> dict[str, Any]:
    failing = made.failing_years
    lowest = float(made.table["cumulative_dscr"].min())
    plain = made.shocks.set_index("shock_pct").loc[0.0]
    return {
        "project_id": term["key"],
        "name": term["name"],
        "amount_wan": term["principal"],
        "life_coverage": made.coverage,
        "floor": made.floor,
        "lowest_dscr": float(made.table["dscr"].min()),
        "failing_years": len(failing),
        "first_failing_year": float(failing[0]) if failing else math.nan,
        "life_fall_pct": (1 - 1 / made.coverage) * 100 if made.coverage else -math.inf,
        "break_even_fall_pct": (1 - 1 / lowest) * 100 if lowest else -math.inf,
        "passes": bool(plain["passes"]),
    }
