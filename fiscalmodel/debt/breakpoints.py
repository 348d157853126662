"""Break points: the shock at which the clearance plan just fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.clearance import plan_clearance
from fiscalmodel.debt.plan_input import PlanInput
from fiscalmodel.debt.plan_levers import is_feasible, smallest
from fiscalmodel.debt.plan_lp import Extra, solve
from fiscalmodel.debt.plan_model import Problem, build_problem
from fiscalmodel.debt.plan_periods import MONTHS, Floats, add_months
from fiscalmodel.debt.plan_tables import TableLike
from fiscalmodel.errors import Collector

#: Shock -> kind of source that it lowers.
FALLS = {
    "fiscal_funds": "fiscal",
    "land_revenue": "land",
    "transfers": "transfer",
    "disposal_price": "disposal",
}
#: Rates are raised by this much at most.
HIGHEST_BP = 2_000
COLUMNS = ("shock", "break_point", "unit", "outcome", "detail")


def break_points(
    ledger: TableLike,
    sources: TableLike,
    quotas: TableLike | None = None,
    *,
    as_of: Any,
    exposure: Mapping[str, Mapping[str, float]] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The shock at which clearing by the deadline just becomes impossible, each alone.

    Parameters
    ----------
    ledger, sources, quotas, as_of, options
        As for `plan_clearance`.
    exposure
        Shock -> source id -> how many percent the source falls when the shock
        is one percent, for sources that depend on it in part, as
        ``{"land_revenue": {"FS-GPB": 0.3}}``. Without it a shock of land
        revenue, transfers, fiscal funds or disposal prices lowers the sources
        of that kind one for one, told by their category.

    Returns
    -------
    DataFrame
        ``shock, break_point, unit, outcome, detail``: a fall in % (land
        revenue, transfers, fiscal funds, disposal price), a quota delay in
        months (the longest that the plan survives), a rise of all contract
        rates in basis points. ``outcome`` is ``fails_beyond``,
        ``survives_all`` (even the largest shock looked at), ``none_to_shock``
        or ``fails_already``.

    Raises
    ------
    InputError
        For bad input, as `plan_clearance`.
    """
    plan = plan_clearance(ledger, sources, quotas, as_of=as_of, **options)
    return break_points_of(plan.given, plan.problem, exposure or {})


def break_points_of(
    given: PlanInput, p: Problem, exposure: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Break points of a checked input; see `break_points`."""
    found = Collector()
    names = {s.source_id for s in given.sources}
    for shock, parts in exposure.items():
        if shock not in FALLS:
            found.add("exposure", f"{shock!r} is no shock", f"one of {', '.join(FALLS)}")
        for name in parts:
            if name not in names:
                found.add(f"exposure.{shock}", f"no source is called {name!r}", "check the id")
    found.raise_if_any()
    shocks = [*FALLS, "quota_delay", "rates"]
    if not is_feasible(p):
        rows = [(s, 0.0, _unit(s), "fails_already", "there is no plan") for s in shocks]
        return pd.DataFrame(rows, columns=list(COLUMNS))
    rows = [_fall(p, shock, kind, exposure.get(shock)) for shock, kind in FALLS.items()]
    return pd.DataFrame([*rows, _delay(given, p), _rates(p)], columns=list(COLUMNS))


def _unit(shock: str) -> str:
    return {"quota_delay": "months", "rates": "bp"}.get(shock, "%")


def _fall(
    p: Problem, shock: str, kind: str, exposed: Mapping[str, float] | None
) -> tuple[str, float, str, str, str]:
    """Largest fall of some sources, by one linear programme: caps fall along a line."""
    drop = np.zeros(p.cap.size)
    names: dict[str, None] = {}
    for row, cell, share in p.shares:
        s = p.sources[row]
        weight = exposed.get(s.source_id, 0.0) if exposed is not None else float(s.kind == kind)
        if weight > 0 and p.nets[row] > 0:
            drop[cell] -= weight * share * p.nets[row]
            names[s.source_id] = None
    if not names:
        return shock, float("nan"), "%", "none_to_shock", "no source depends on it"
    largest = 1.0 / max([1.0, *(exposed or {}).values()])
    pools: Floats = drop.reshape(p.cap.shape)
    found = solve(p, extras=(Extra(pools=pools, cost=-1.0, upper=largest),), cost_weight=0.0)
    fall = float(found.extras[0])
    detail = ", ".join(names)
    if fall >= largest - 1e-9:
        return shock, largest * 100, "%", "survives_all", detail
    return shock, fall * 100, "%", "fails_beyond", detail


def _delay(given: PlanInput, p: Problem) -> tuple[str, float, str, str, str]:
    if not any(q.amount > 0 for q in given.quotas):
        return "quota_delay", float("nan"), "months", "none_to_shock", "no replacement quota"
    step = MONTHS[given.frequency]
    for k in range(1, len(p.grid) + 1):
        months = k * step
        quotas = tuple(
            replace(
                q,
                first=add_months(q.first, months),
                last=add_months(q.last, months),
                available_from=q.available_from and add_months(q.available_from, months),
            )
            for q in given.quotas
        )
        if not is_feasible(build_problem(replace(given, quotas=quotas))):
            detail = f"a delay of {months} months is too long"
            return "quota_delay", float(months - step), "months", "fails_beyond", detail
    return "quota_delay", float(len(p.grid) * step), "months", "survives_all", "not needed"


def _rates(p: Problem) -> tuple[str, float, str, str, str]:
    if not len(p.contracts):
        return "rates", float("nan"), "bp", "none_to_shock", "no contract"

    def fails(bp: int) -> bool:
        return not is_feasible(replace(p, interest=p.interest + bp / 10_000 * p.grid.fractions))

    first = smallest(fails, 1, HIGHEST_BP)
    if first is None:
        return "rates", float(HIGHEST_BP), "bp", "survives_all", ""
    return "rates", float(first - 1), "bp", "fails_beyond", "all contract rates alike"
