"""The clearance plan as an Excel workbook: the full matrix, and totals that stay live.

Every sum, closing balance, total and ratio is a formula with its value stored,
so that a changed cell moves them and a reader without Excel still sees them.
Text from the data is written as text.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable

from fiscalmodel.debt.summary import MATRIX_KEYS
from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, project_root
from fiscalmodel.present.charts_debt import word
from fiscalmodel.present.debt_view import DebtView
from fiscalmodel.present.labels import label
from fiscalmodel.present.sheets import Book, Formula, formats, letter, write_frame
from fiscalmodel.present.workbook import OPTIONS
from fiscalmodel.words import say as words

SHEETS: dict[str, tuple[str, str]] = {
    "summary": ("摘要", "Summary"),
    "matrix": ("化债矩阵", "Matrix"),
    "contracts": ("分合同余额", "By contract"),
    "sources": ("资金来源", "Sources"),
    "totals": ("三个总额", "Three totals"),
    "register": ("置换台账", "Register"),
    "risk": ("债务风险", "Risk"),
    "wall": ("到期分布", "Maturities"),
    "shortfall": ("资金缺口", "Shortfall"),
}
#: Sheets that name contracts, debtors and creditors.
SENSITIVE = ("matrix", "contracts", "register", "shortfall")


def debt_workbook(view: DebtView, lang: str = "zh") -> bytes:
    """The workbook of one clearance plan, as the bytes of an xlsx file.

    Parameters
    ----------
    view
        From `fiscalmodel.present.debt_view.debt_view`; with ``totals_only`` the
        sheets that name contracts, debtors and creditors are left out.
    lang
        ``zh`` or ``en``.

    Returns
    -------
    bytes
        Summary, matrix (contract and use × period), balances by contract,
        sources, three totals, register, risk, maturities and, where there is
        one, the shortfall; money in 万元.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    day = view.plan.as_of
    # The plan's own date, so that the same plan gives the same bytes.
    book.set_properties({"created": dt.datetime(day.year, day.month, day.day)})
    made = Book(book, formats(book), lang, SHEETS)
    parts: dict[str, Callable[[Book, DebtView], None]] = {
        "summary": _summary,
        "matrix": _matrix,
        "contracts": _contracts,
        "sources": _sources,
        "totals": _totals,
        "register": _register,
        "risk": _risk,
        "wall": _wall,
        "shortfall": _shortfall,
    }
    for name, write in parts.items():
        if not (view.totals_only and name in SENSITIVE):
            write(made, view)
    book.close()
    return buffer.getvalue()


def write_workbook(view: DebtView, path: str, lang: str = "zh") -> None:
    """Write the workbook to a path inside the project, whole or not at all.

    Raises
    ------
    InputError
        If the path leaves the project, or is no ``.xlsx``.
    """
    if not path.endswith(".xlsx"):
        raise InputError("workbook", f"{path!r} is no xlsx file", "let its name end in .xlsx")
    target = inside(project_root(), path, where="workbook")
    made = debt_workbook(view, lang)
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.part")
    half.write_bytes(made)
    half.replace(target)


def _summary(made: Book, view: DebtView) -> None:
    sheet = made.sheet("summary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    made.text(sheet, 0, 0, view.outcome.scenario.name(made.lang), "title")
    row = 2
    if view.outcome.scenario.synthetic:
        made.text(sheet, row, 1, words("scenario.synthetic")(made.lang), "warning")
        row += 1
    plan, en = view.plan, made.lang == "en"
    if not (view.totals_only and plan.status == "infeasible"):
        made.text(sheet, row, 1, plan.sentence(made.lang), "wrapped")
        row += 1
    if view.totals_only:
        text = "Totals only" if en else "仅列示合计数"
        made.text(sheet, row, 1, text, "wrapped")
        row += 1
    row += 1
    figures = (
        ("Status", "状态", label(plan.status, made.lang, "values")),
        ("Opening hidden debt (万元)", "期初隐性债务（万元）", plan.opening_wan),
        ("Interest to the deadline (万元)", "截止日前利息（万元）", plan.interest_wan),
        (
            "Present value of bond service (万元)",
            "置换债券本息现值（万元）",
            plan.replacement_pv_wan,
        ),
        ("Shortfall (万元)", "资金缺口（万元）", plan.shortfall_wan),
    )
    for english, chinese, value in figures:
        made.text(sheet, row, 0, english if en else chinese)
        if isinstance(value, float):
            sheet.write_number(row, 1, value, made.formats["money"])
        else:
            made.text(sheet, row, 1, value)
        row += 1
    if not view.totals_only:
        # Two sheets built apart must agree; the check is live.
        matrix, sources = made.name("matrix"), made.name("sources")
        at, last = len(view.matrix.columns), len(view.matrix) + 2
        right, end = len(view.funding.columns) - 1, len(view.funding) + 2
        formula = f"='{matrix}'!{letter(at)}{last}-'{sources}'!{letter(right)}{end}"
        periods = view.matrix.columns.drop(MATRIX_KEYS)
        gap = float(view.matrix[periods].to_numpy().sum() - view.funding["total_wan"].sum())
        text = "Matrix − sources (0 if they agree)" if en else "矩阵合计－来源合计（应为0）"
        made.text(sheet, row, 0, text)
        sheet.write_formula(row, 1, formula, made.formats["money"], gap)


def _matrix(made: Book, view: DebtView) -> None:
    frame = view.matrix.copy()
    periods = [c for c in frame.columns if c not in MATRIX_KEYS]
    frame["use"] = [label(str(u), made.lang, "values") for u in frame["use"]]
    frame["total_wan"] = frame[periods].sum(axis=1)
    first, last = letter(len(MATRIX_KEYS)), letter(len(frame.columns) - 2)
    live: dict[str, Formula] = {
        "total_wan": (lambda row: f"=SUM({first}{row}:{last}{row})", frame["total_wan"].tolist())
    }
    write_frame(made, made.sheet("matrix"), frame, sums=[*periods, "total_wan"], formulas=live)


def _contracts(made: Book, view: DebtView) -> None:
    """Opening + unpaid interest − principal − replaced = closing, row by row."""
    frame = view.plan.contracts[
        ["contract_id", "period", "opening_wan", "interest_wan", "unpaid_interest_wan",
         "principal_wan", "replaced_wan", "closing_wan"]
    ]  # fmt: skip
    live: dict[str, Formula] = {
        "closing_wan": (lambda row: f"=C{row}+E{row}-F{row}-G{row}", frame["closing_wan"].tolist())
    }
    sums = ["interest_wan", "principal_wan", "replaced_wan"]
    write_frame(made, made.sheet("contracts"), frame, sums=sums, formulas=live)


def _sources(made: Book, view: DebtView) -> None:
    frame = view.funding
    last = letter(len(frame.columns) - 2)
    live: dict[str, Formula] = {
        "total_wan": (lambda row: f"=SUM(B{row}:{last}{row})", frame["total_wan"].tolist())
    }
    sums = [c for c in frame.columns if c != "period"]
    write_frame(made, made.sheet("sources"), frame, sums=sums, formulas=live)


def _totals(made: Book, view: DebtView) -> None:
    frame = view.totals[["period", "hidden_wan", "by_contract_wan", "statutory_wan", "total_wan"]]
    live: dict[str, Formula] = {
        "total_wan": (lambda row: f"=SUM(B{row}:D{row})", frame["total_wan"].tolist())
    }
    write_frame(made, made.sheet("totals"), frame, formulas=live)


def _register(made: Book, view: DebtView) -> None:
    frame = view.register.assign(status=[word(s, made.lang) for s in view.register["status"]])
    write_frame(made, made.sheet("register"), frame, sums=["replaced_wan"])


def _risk(made: Book, view: DebtView) -> None:
    if view.risk is None:
        return
    columns = ["year", "resources_wan", "general_wan", "special_wan", "hidden_wan",
               "statutory_ratio_pct", "risk_ratio_pct", "grade"]  # fmt: skip
    frame = view.risk.table[columns]
    frame = frame.assign(grade=[word(g, made.lang) for g in frame["grade"]])
    live: dict[str, Formula] = {
        "statutory_ratio_pct": (
            lambda row: f"=(C{row}+D{row})/B{row}*100", frame["statutory_ratio_pct"].tolist()
        ),
        "risk_ratio_pct": (
            lambda row: f"=(C{row}+D{row}+E{row})/B{row}*100", frame["risk_ratio_pct"].tolist()
        ),
    }  # fmt: skip
    ratios = ("statutory_ratio_pct", "risk_ratio_pct")
    write_frame(made, made.sheet("risk"), frame, formulas=live, ratios=ratios)


def _wall(made: Book, view: DebtView) -> None:
    if view.wall is None:
        return
    frame = view.wall
    live: dict[str, Formula] = {
        "total_wan": (lambda row: f"=SUM(B{row}:G{row})", frame["total_wan"].tolist())
    }
    sums = [c for c in frame.columns if c.endswith("_wan")]
    write_frame(made, made.sheet("wall"), frame, sums=sums, formulas=live, ratios=["share_pct"])


def _shortfall(made: Book, view: DebtView) -> None:
    frame = view.plan.shortfall
    if not len(frame):
        return
    codes = [c for c in ("use", "reason") if c in frame]
    frame = frame.assign(
        **{c: [label(str(v), made.lang, "values") for v in frame[c]] for c in codes}
    )
    write_frame(made, made.sheet("shortfall"), frame, sums=["amount_wan"])
