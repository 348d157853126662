"""``Scenario`` to ``Outcome``: pure, and only what the scenario's region has data for."""

from __future__ import annotations

from typing import Any

from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Outcome, Said
from fiscalmodel.scenario.part_balance import balance_part
from fiscalmodel.scenario.part_debt import debt_part, read_frame
from fiscalmodel.scenario.part_revenue import revenue_part

MISSING = {
    "revenue": Said(
        "本情景未提供收入序列，不做收入预测。",
        "This scenario names no revenue series, so there is no forecast.",
    ),
    "balance": Said(
        "本情景未提供支出或“三保”数据，不编制收支平衡。",
        "This scenario gives no expenditure and no need for 三保, so there is no balance.",
    ),
    "debt": Said(
        "本情景未提供隐性债务台账，不编制化债方案。",
        "This scenario names no ledger of hidden debt 隐性债务, so there is no clearance plan.",
    ),
    "commissions": Said(
        "本情景未提供缴款明细，不计算代收手续费。",
        "This scenario names no receipts, so no commissions 代收手续费 are worked out.",
    ),
}
SYNTHETIC = Said(
    "合成数据：仅用于演示，不代表任何真实地区。",
    "Synthetic data 合成数据: for demonstration only; no real county.",
)


def evaluate(scenario: Scenario) -> Outcome:
    """Work out a scenario.

    Parameters
    ----------
    scenario
        From `load_scenario`. It is never changed.

    Returns
    -------
    Outcome
        A part without data is None, with the reason in `Outcome.reasons`.

    Raises
    ------
    InputError
        If data named by the scenario cannot be used.
    """
    spec = scenario.spec
    reasons: dict[str, Said] = {}
    notes: list[Said] = [SYNTHETIC] if scenario.synthetic else []
    answers: list[Said] = []
    found: dict[str, Any] = {}
    if spec.revenue is None:
        reasons["revenue"] = MISSING["revenue"]
    else:
        part = revenue_part(scenario, spec.revenue)
        found |= {
            "revenue": part.frame,
            "waterfall": part.waterfall,
            "items": part.items,
            "forecast": part.forecast,
            "link": part.link,
            "target": part.target,
        }
        notes += part.notes
        answers.append(part.answer)
    balance, said, answer = balance_part(spec, found.get("revenue"))
    if balance is None:
        reasons["balance"] = MISSING["balance"]
    found["balance"] = balance
    notes += said
    answers += [answer] if answer else []
    if spec.debt is None:
        reasons["debt"] = MISSING["debt"]
    else:
        plan, balances, said = debt_part(scenario, spec.debt, balance)
        found |= {"plan": plan, "debt": balances}
        notes += said
        answers.append(Said(plan.sentence("zh"), plan.sentence("en")))
    if spec.commissions is None:
        reasons["commissions"] = MISSING["commissions"]
    else:
        statement = _commissions(scenario)
        found |= {"statement": statement, "commissions": statement.table}
        answers.append(_commission_answer(statement))
    return Outcome(scenario, reasons=reasons, notes=tuple(notes), answers=tuple(answers), **found)


def _commissions(scenario: Scenario) -> Any:
    from fiscalmodel.fees import commission

    spec = scenario.spec.commissions
    assert spec is not None
    rates = {
        kind: rate
        for kind, rate in (("罚没", spec.rate_fines_pct), ("收费", spec.rate_charges_pct))
        if rate is not None
    }
    extra = {
        name: read_frame(scenario.files[f"commissions.{name}"], "")
        for name in ("relations", "payments")
        if f"commissions.{name}" in scenario.files
    }
    return commission(
        scenario.files["commissions.receipts"],
        rates=rates or None,
        period=spec.period,
        as_of=scenario.spec.as_of.isoformat(),
        **extra,
    )


def _commission_answer(statement: Any) -> Said:
    from fiscalmodel.units import yuan_text

    table = statement.table
    fee, base = int(table["fee_fen"].sum()), int(table["base_fen"].sum())
    banks = table["bank"].nunique()
    return Said(
        f"代收手续费合计 {yuan_text(fee)} 元，计费基数 {yuan_text(base)} 元，"
        f"涉及 {banks} 家代收银行。",
        f"Commissions 代收手续费 of {yuan_text(fee)} 元 on a base of {yuan_text(base)} 元, "
        f"{banks} banks.",
    )
