"""The workbook of a clearance plan: its frames with live sums, for the one writer."""

from __future__ import annotations

from pathlib import Path

from fiscalmodel.debt.clearance.plan import ClearancePlan
from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, project_root, write_whole
from fiscalmodel.present.book import paper_workbook
from fiscalmodel.present.page import PageHead
from fiscalmodel.present.paper import Paper, Passage, grid_of
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
    matrix = matrix.rename(columns={period: f"{period}_wan" for period in periods})
    frames = {
        "balances": plan.table, "payments": plan.payments, "matrix": matrix,
        "contracts": plan.contracts, "sources": plan.by_source, "register": plan.register,
        "shortfall": plan.shortfall,
    }  # fmt: skip
    title = say("debt.sheet.title")(lang)
    head = PageHead(title, lang=lang, day=plan.as_of.isoformat())
    said = [Passage(kind, tuple(((str(Text.of(text)(lang)), False),) for text in texts))
            for kind, texts in (("answer", plan.answer), ("notes", plan.notes))]  # fmt: skip
    grids = [
        grid_of(frame, say(f"debt.sheet.{name}")(lang), lang, unit="万元", digits=2,
                total=name != "balances")
        for name, frame in frames.items()
        if len(frame) and not (totals_only and name in SENSITIVE)
    ]  # fmt: skip
    return paper_workbook(Paper(head, (*said, *grids)))


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
