"""The balance part: expenditure beside revenue, and what is left for clearance."""

from __future__ import annotations

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.outcome import Said
from fiscalmodel.scenario.schema import BalanceSpec, ExpenditureSpec, ScenarioSpec

NO_NEED = Said(
    "未公布“三保”需求，无法计算可用于化债的一般公共预算财力。",
    "The need for the three guarantees 三保 is not published, so what the general budget can "
    "give to clearance is not worked out.",
)


def balance_part(
    spec: ScenarioSpec, revenue: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, tuple[Said, ...], Said | None]:
    """Frame by year, notes and the answer; None without an expenditure or balance part."""
    if revenue is None or (spec.expenditure is None and spec.balance is None):
        return None, (), None
    ahead = revenue[revenue["kind"] == "forecast"]
    frame = pd.DataFrame({"year": ahead["year"], "revenue_wan": ahead["scenario_wan"]})
    frame = frame.reset_index(drop=True)
    notes: list[Said] = []
    answer = None
    if spec.expenditure is not None:
        frame["expenditure_wan"] = expenditure_path(spec.expenditure, frame["year"].tolist())
        frame["self_sufficiency_pct"] = frame["revenue_wan"] / frame["expenditure_wan"] * 100
        notes += _livelihood(spec, frame)
    if spec.balance is None:
        notes.append(NO_NEED)
    else:
        answer = _available(spec.balance, frame)
    return frame, tuple(notes), answer


def expenditure_path(spec: ExpenditureSpec, years: list[int]) -> list[float]:
    """Expenditure of each year, 万元.

    Raises
    ------
    InputError
        If a year has neither an amount nor a growth rate.

    Examples
    --------
    >>> plan = ExpenditureSpec(base_year=2020, base_wan=846000.0, growth_pct=1.24, source="plan")
    >>> round(expenditure_path(plan, [2024, 2025])[1] / 1e4, 2)
    89.98
    """
    if spec.amount_wan is not None:
        missing = [y for y in years if y not in spec.amount_wan]
        if missing:
            raise InputError(
                "expenditure.amount_wan", f"no amount for {missing[0]}", "add the year"
            )
        return [spec.amount_wan[y] for y in years]
    assert spec.base_year is not None
    assert spec.base_wan is not None
    level, made = spec.base_wan, {}
    for year in range(spec.base_year + 1, max(years) + 1):
        rate = spec.growth_pct.get(year) if isinstance(spec.growth_pct, dict) else spec.growth_pct
        if rate is None:
            raise InputError("expenditure.growth_pct", f"no growth for {year}", "add the year")
        level *= 1 + rate / 100
        made[year] = level
    early = [y for y in years if y not in made]
    if early:
        raise InputError("expenditure.base_year", f"lies after {early[0]}", "start earlier")
    return [made[y] for y in years]


def _livelihood(spec: ScenarioSpec, frame: pd.DataFrame) -> list[Said]:
    from fiscalmodel import policy

    plan = spec.expenditure
    if plan is None or plan.livelihood_base_wan is None or not plan.base_wan:
        return []
    floor = float(policy.value("livelihood_share_floor", on=spec.as_of))
    frame["livelihood_floor_wan"] = frame["expenditure_wan"] * floor / 100
    share = plan.livelihood_base_wan / plan.base_wan * 100
    above = plan.livelihood_base_wan - plan.base_wan * floor / 100
    sign_zh, sign_en = ("高出", "above") if above >= 0 else ("低于", "below")
    return [
        Said(
            f"{plan.base_year}年民生支出占比 {share:.2f}%，较 {floor:g}% 底线{sign_zh}"
            f" {abs(above):,.0f} 万元。",
            f"Livelihood share 民生支出占比 in {plan.base_year}: {share:.2f} %, "
            f"{abs(above):,.0f} 万元 {sign_en} the {floor:g} % floor.",
        )
    ]


COLUMNS = (
    "transfers_wan",
    "other_resources_wan",
    "sanbao_need_wan",
    "statutory_debt_service_wan",
    "other_commitments_wan",
)


def _available(spec: BalanceSpec, frame: pd.DataFrame) -> Said:
    from fiscalmodel.budget.available import available_for_clearance

    years = frame["year"].tolist()
    for column in COLUMNS:
        frame[column] = _amounts(column, getattr(spec, column), years)
    resources = frame["revenue_wan"] + frame["transfers_wan"] + frame["other_resources_wan"]
    left = available_for_clearance(
        resources.tolist(),
        frame["sanbao_need_wan"].tolist(),
        frame["statutory_debt_service_wan"].tolist(),
        other_commitments_wan=frame["other_commitments_wan"].tolist(),
        periods=years,
    )
    frame["available_wan"] = left.table["available_wan"].astype(float).to_numpy()
    frame["shortfall_wan"] = left.table["shortfall_wan"].astype(float).to_numpy()
    total, short = float(frame["available_wan"].sum()), float(frame["shortfall_wan"].sum())
    span_zh, span_en = f"{years[0]}–{years[-1]}年", f"{years[0]} to {years[-1]}"
    zh = f"扣除“三保”和法定债务还本付息后，一般公共预算{span_zh}可用于化债 {total:,.0f} 万元"
    en = (
        f"After the three guarantees 三保 and statutory debt service the general budget can give "
        f"{total:,.0f} 万元 to clearance over {span_en}"
    )
    if short > 0:
        zh += f"；部分年份存在缺口，合计 {short:,.0f} 万元"
        en += f"; some years fall short, by {short:,.0f} 万元 in all"
    return Said(zh + "。", en + ".")


def _amounts(name: str, given: dict[int, float] | list[str], years: list[int]) -> list[float]:
    """Amounts for each year; a year without one is an error unless nothing is given at all."""
    by_year: dict[int, float] = {}
    if isinstance(given, dict):
        by_year = dict(given)
    else:
        from fiscalmodel.series.catalog import load_series

        parts = []
        for series in given:
            values = load_series(series).values.dropna()
            parts.append(values.groupby([p.year for p in values.index]).last())
        total = sum(parts[1:], parts[0]).dropna()
        by_year = dict(zip(map(int, total.index.tolist()), total.tolist(), strict=True))
    missing = [y for y in years if y not in by_year] if by_year else []
    if missing or (not by_year and name == "sanbao_need_wan"):
        year = missing[0] if missing else years[0]
        raise InputError(f"balance.{name}", f"no amount for {year}", "add the year")
    return [by_year.get(y, 0.0) for y in years]
