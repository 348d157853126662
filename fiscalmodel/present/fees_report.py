"""The parts of the commission report, as notebook 04 shows them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.fees.appropriation import Appropriation, implied_base
from fiscalmodel.fees.page import settlement_page
from fiscalmodel.fees.programme import accrual_and_cash, programme_history, published_lines
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import account_of, kind_of, official
from fiscalmodel.fees.workbook import settlement_workbook
from fiscalmodel.paths import inside, project_root
from fiscalmodel.present import charts_fees as charts
from fiscalmodel.present.show import say, show_chart, show_table
from fiscalmodel.units import yuan_text

WAN_FEN = 1_000_000
_HEADERS = {
    "bank": ("代收银行", "Bank"), "kind": ("收入种类", "Kind"), "account": ("缴入账户", "Account"),
    "period": ("期间", "Period"), "base": ("计费基数（元）", "Base (元)"), "rate": ("费率（%）", "Rate (%)"),
    "fee": ("手续费（元）", "Fee (元)"), "arrears": ("上期结欠（元）", "Arrears (元)"),
    "paid": ("已付（元）", "Paid (元)"), "payable": ("应付（元）", "Payable (元)"),
    "receipt_id": ("缴款书号", "Receipt"), "paid_in": ("缴入日期", "Paid in"), "role": ("处理", "Treated as"),
    "amount": ("金额（元）", "Amount (元)"), "counted": ("计入基数（元）", "Counted (元)"),
    "reason": ("剔除原因", "Reason"), "settled_by": ("结算期间", "Settled by"),
    "difference": ("差额（元）", "Difference (元)"), "used": ("采用", "Used"),
    "year": ("年度", "Year"), "opening": ("年初未付（元）", "Owed before (元)"),
    "accrued": ("当年应计（元）", "Accrued (元)"), "closing": ("年末未付（元）", "Owed after (元)"),
    "line": ("项目", "Line"), "printed": ("原文数字", "As printed"), "unit": ("单位", "Unit"),
    "column": ("所在栏", "Column"), "note": ("说明", "Note"),
    "initial_budget_wan": ("年初预算（万元）", "Initial budget (万元)"),
    "adjusted_budget_wan": ("调整预算（万元）", "Adjusted (万元)"),
    "executed_wan": ("执行（万元）", "Executed (万元)"), "executed_to": ("执行截至", "Executed to"),
    "commissions_wan": ("其中手续费（万元）", "Of which commissions (万元)"),
    "of_initial_pct": ("占年初预算（%）", "Of initial (%)"),
    "of_adjusted_pct": ("占调整预算（%）", "Of adjusted (%)"),
    "fines_share_pct": ("罚没占比（%）", "Share of fines (%)"), "rate_pct": ("综合费率（%）", "Mixed rate (%)"),
    "base_yi": ("隐含基数（亿元）", "Implied base (亿元)"), "mean": ("预期", "Expected"),
    "base_wan": ("全年基数（万元）", "Base of the year (万元)"), "method": ("方法", "Method"),
    "fee_wan": ("手续费（万元）", "Fee (万元)"), "low": ("80%下限", "80 % low"), "high": ("80%上限", "80 % high"),
}  # fmt: skip
_ROLES = {
    "paid_in": "缴入", "refund": "退付", "cleared": "查清计入", "unmatched": "待查", "excluded": "剔除",
}  # fmt: skip


def _table(frame: pd.DataFrame, lang: str, *, caption: str = "", digits: int = 2) -> None:
    at = 1 if lang == "en" else 0
    named = frame.rename(
        columns={c: _HEADERS.get(str(c), (str(c),) * 2)[at] for c in frame.columns}
    )
    show_table(named, lang, caption=caption, digits=digits)


def _in_yuan(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """分 columns as 元 with two decimals; kinds and accounts by their official names."""
    shown = frame.copy()
    for column in [c for c in frame.columns if str(c).endswith("_fen")]:
        shown[column] = [yuan_text(int(v)) for v in frame[column]]
        shown = shown.rename(columns={column: column.removesuffix("_fen")})
    if lang == "zh":
        for column, of in (("kind", kind_of), ("account", account_of)):
            if column in shown:
                shown[column] = [official(of(v) or str(v)) for v in shown[column]]
    return shown


def answer(statement: CommissionStatement, lang: str = "zh", *, warning: str = "") -> None:
    """What is due in all, in one sentence, and what qualifies it."""
    base = sum(map(int, statement.table["base_fen"]))
    fee, due = yuan_text(statement.fee_fen), yuan_text(statement.payable_fen)
    banks = statement.table["bank"].nunique()
    say(f"> {banks}家代收银行，计费基数{yuan_text(base)}元，手续费**{fee}元**，尚应付{due}元。",
        f"> {banks} banks, base {yuan_text(base)} 元, commissions **{fee} 元**, still payable {due} 元.",
        lang)  # fmt: skip
    notes_zh = [f"**{warning}**"] * bool(warning) + list(statement.notes_zh)
    notes_en = [f"**{warning}**"] * bool(warning) + list(statement.notes)
    say("\n".join(f"- {n}" for n in notes_zh), "\n".join(f"- {n}" for n in notes_en), lang)


def banks(statement: CommissionStatement, lang: str = "zh") -> None:
    """The bureau's summary: chart and table by bank."""
    summary = statement.summary()
    says = "; ".join(
        f"{b} {yuan_text(int(f))} 元"
        for b, f in zip(summary["bank"], summary["fee_fen"], strict=True)
    )
    show_chart(charts.banks_chart(statement, lang=lang), says)
    _table(_in_yuan(summary, lang), lang)


def lines(statement: CommissionStatement, lang: str = "zh") -> None:
    """The statement line by line."""
    shown = _in_yuan(statement.table, lang)
    _table(shown.rename(columns={"rate_pct": "rate"}), lang)


def opened(
    statement: CommissionStatement,
    bank: str,
    kind: str,
    account: str,
    period: object,
    lang: str = "zh",
    *,
    rows: int = 12,
) -> None:
    """One fee down to its receipts (the first `rows` of them)."""
    receipts = statement.explain(bank, kind, account, period)
    base = yuan_text(sum(map(int, receipts["counted_fen"])))
    say(f"共{len(receipts)}笔，计入基数{base}元；下表列前{min(rows, len(receipts))}笔。",
        f"{len(receipts)} receipts, {base} 元 counted; the first {min(rows, len(receipts))} of them.", lang)  # fmt: skip
    columns = ["receipt_id", "paid_in", "role", "amount_fen", "counted_fen", "reason"]
    shown = receipts[columns].head(rows)
    if lang == "zh":
        shown = shown.assign(role=shown["role"].map(_ROLES))
    _table(_in_yuan(shown, lang), lang)


def left_out(statement: CommissionStatement, lang: str = "zh") -> None:
    """Excluded lines with their reasons."""
    columns = ["receipt_id", "bank", "paid_in", "amount", "reason"]
    _table(statement.excluded[columns].astype(str), lang)


def rounding(statement: CommissionStatement, lang: str = "zh") -> None:
    """The whole fee by settlement period."""
    shown = statement.rounding()
    words = {"month": "月", "quarter": "季度", "year": "年度"}
    if lang == "zh":
        shown["settled_by"] = shown["settled_by"].map(words)
    _table(_in_yuan(shown, lang), lang)


def cash(statement: CommissionStatement, payments: pd.DataFrame, lang: str = "zh") -> None:
    """Accrual against cash by year."""
    table = accrual_and_cash(statement, payments)
    says = "; ".join(f"{y}: {yuan_text(int(a))} / {yuan_text(int(p))} 元" for y, a, p in
                     zip(table["year"], table["accrued_fen"], table["paid_fen"], strict=True))  # fmt: skip
    show_chart(charts.accrual_chart(table, lang=lang), says)
    _table(_in_yuan(table.assign(year=table["year"].astype(str)), lang), lang)


def need(results: list[Appropriation], lang: str = "zh") -> None:
    """Needs of the coming budgets, chart of the last one."""
    last = results[-1]
    says = f"{last.budget_year}: {last.need['mean']:,.2f} 万元"
    show_chart(charts.need_chart(last, lang=lang), says)
    rows = [
        {"year": str(r.budget_year), "base_wan": float(r.table["mean"].sum()), "fee_wan": r.need["mean"],
         "low": r.need["lo-80"], "high": r.need["hi-80"], "method": "; ".join(dict.fromkeys(r.table["method"]))}
        for r in results
    ]  # fmt: skip
    _table(pd.DataFrame(rows), lang)


def published(lang: str = "zh") -> None:
    """Jianghan's 2024 programme as printed, and what its columns say and do not say."""
    _table(published_lines()[["line", "period", "column", "printed", "unit", "note"]], lang)
    say(_COLUMNS_ZH, _COLUMNS_EN, lang)


_COLUMNS_ZH = """**这些栏目说了什么**
- 全项目 42 万元 = 区级 37 万元 + 上级转移支付 5 万元；代收手续费一行印 30 万元和 3 万元。
- 第一金额栏（表头为“本级财政拨款金额”）三行合计 30 + 10 + 2 = 42，等于全项目而不等于区级 37；第二栏 3 + 2 = 5，等于上级转移支付。\
因此第一栏看来是含转移支付的总额、第二栏是其中数：区级为 27 + 10 + 0 = 37。这是由加总推得，原文未说明。

**没有说什么**
- 手续费按罚没、收费的构成：没有；所以 30 万元只对应一个基数区间。
- 2022、2023 年手续费是多少：没有，只有全项目数（含票据、培训和国库改革）。
- 2023 年全年执行数：没有，37.6 万元只到 7 月。"""

_COLUMNS_EN = """**What the columns say**
- The programme of 42 万元 is 37 of district funds and 5 of transfers; the commission line prints 30 and 3.
- The first amount column (headed own-level appropriation 本级财政拨款金额) adds up to 30 + 10 + 2 = 42, the whole \
programme and not the district's 37; the second to 3 + 2 = 5, the transfers. So the first column appears to be the \
total and the second a part of it: 27 + 10 + 0 = 37. This follows from the sums; the document does not say so.

**What they do not say**
- How the commissions divide into fines and charges: hence 30 万元 stands for a range of bases.
- The commissions of 2022 and 2023: only the whole programme (bills, training, treasury reform included).
- The execution of all of 2023: 37.6 万元 runs to July."""


def history(lang: str = "zh") -> None:
    """Budgets and execution of the whole programme: chart and table."""
    table = programme_history()
    says = "; ".join(
        f"{y}: {b:g}" for y, b in zip(table["year"], table["initial_budget_wan"], strict=True)
    )
    show_chart(charts.execution_chart(table, lang=lang), f"{says} 万元")
    _table(table.assign(year=table["year"].astype(str)).fillna({"executed_to": "—"}), lang)


def implied(budget_wan: float, on: str, lang: str = "zh") -> None:
    """The range of bases that a budget implies: chart and table."""
    table = implied_base(budget_wan, on=on)
    says = "; ".join(
        f"{s:g} %: {b:.2f} 亿元"
        for s, b in zip(table["fines_share_pct"], table["base_yi"], strict=True)
    )
    show_chart(charts.implied_base_chart(table, lang=lang), says)
    _table(table, lang, digits=3)


def write_forms(statement: CommissionStatement, folder: str, *, warning: str = "") -> list[str]:
    """Write the workbook and the page into a folder of the project; their names.

    Raises
    ------
    InputError
        If the folder is outside the project.
    """
    if not folder:
        return []
    target = inside(project_root(), folder, where="forms")
    if target.exists() and not target.is_dir():
        raise InputError("forms", f"{folder!r} is a file", "name a folder")
    target.mkdir(parents=True, exist_ok=True)
    files = {"结算单.xlsx": settlement_workbook(statement),
             "结算单.html": settlement_page(statement, warning=warning).encode()}  # fmt: skip
    for name, content in files.items():
        (target / name).write_bytes(content)
    return [str(Path(folder) / name) for name in files]
