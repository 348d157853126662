"""The workbook of a clearance plan: its frames with live sums, for the one writer."""

from __future__ import annotations

from pathlib import Path

from fiscalmodel.debt.clearance.plan import ClearancePlan
from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, project_root, write_whole
from fiscalmodel.present.workbook import Sheet, write_book
from fiscalmodel.words import Text, say

#: Sheets that name contracts, debtors and creditors.
SENSITIVE = ("payments", "matrix", "contracts", "register", "shortfall")


def plan_workbook(plan: ClearancePlan, lang: str = "zh", *, totals_only: bool = False) -> bytes:
    """The workbook of one clearance plan, as the bytes of an xlsx file.

    Parameters
    ----------
    totals_only
        Whether sheets that name contracts, debtors and creditors are left out.

    Returns
    -------
    bytes
        Summary, roll-forward by year, payments, matrix (contract and use × period), balances
        by contract, sources, register and, where there is one, the shortfall; money in 万元.
    """
    periods = [c for c in plan.matrix.columns if c not in ("contract_id", "source_id", "use")]
    matrix = plan.matrix.assign(total_wan=plan.matrix[periods].sum(axis=1))
    live = {"total_wan": f"SUM([{periods[0]}]:[{periods[-1]}])"} if periods else {}
    rolled = "[opening_wan]+[unpaid_interest_wan]-[principal_wan]-[replaced_wan]"
    money = ["available_wan", "used_wan", "kept_wan", "lapsed_wan"]
    paid = ["interest_wan", "principal_wan", "replaced_wan"]
    lines: list[tuple[Text | str, object]] = [(say("present.answer"), t) for t in plan.answer]
    lines += [(say("present.note"), note) for note in plan.notes]
    sheets = {
        "summary": Sheet(title=say("debt.sheet.title"), lines=lines),
        "balances": Sheet(
            plan.table, formulas={"closing_wan": "[opening_wan]-[repaid_wan]-[replaced_wan]"}
        ),
        "payments": Sheet(plan.payments, sums=["amount_wan"]),
        "matrix": Sheet(matrix, sums=[*periods, "total_wan"], formulas=live),
        "contracts": Sheet(plan.contracts, sums=paid, formulas={"closing_wan": rolled}),
        "sources": Sheet(plan.by_source, sums=money),
        "register": Sheet(plan.register, sums=["replaced_wan"]),
    }
    if len(plan.shortfall):
        sheets["shortfall"] = Sheet(plan.shortfall, sums=["amount_wan"])
    chosen = {
        say(f"debt.sheet.{name}")(lang): sheet for name, sheet in sheets.items()
        if not (totals_only and name in SENSITIVE)
    }  # fmt: skip
    return write_book(chosen, lang, title=say("debt.sheet.title")(lang), as_of=plan.as_of)


def save_plan(plan: ClearancePlan, path: str, lang: str = "zh") -> Path:
    """Write the workbook to a path inside the project, whole or not at all.

    Raises
    ------
    InputError
        If the path leaves the project, is no ``.xlsx``, or cannot be replaced.
    """
    if not path.endswith(".xlsx"):
        raise InputError("workbook", "debt.sheet.not_xlsx", text=path)
    target = inside(project_root(), path, where="workbook")
    write_whole(target, plan_workbook(plan, lang))
    return target
