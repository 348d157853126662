"""The parts of the commission report, as notebook 04 shows them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.fees.budget import Appropriation
from fiscalmodel.fees.fee import half_up
from fiscalmodel.fees.page import settlement_page
from fiscalmodel.fees.programme import accrual_and_cash
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import PERIOD_ZH, account_of, kind_of, official
from fiscalmodel.fees.workbook import settlement_workbook
from fiscalmodel.paths import inside, project_root
from fiscalmodel.present import charts_fees as charts
from fiscalmodel.present.show import say, show_chart, show_table
from fiscalmodel.units import yuan_text

WAN_FEN = 1_000_000
_HEADERS = {
    "bank": ("代收银行", "Bank"),
    "kind": ("收入种类", "Kind"),
    "account": ("缴入账户", "Account"),
    "period": ("期间", "Period"),
    "base": ("计费基数（元）", "Base (元)"),
    "rate": ("费率（%）", "Rate (%)"),
    "fee": ("手续费（元）", "Fee (元)"),
    "arrears": ("上期结欠（元）", "Arrears (元)"),
    "paid": ("已付（元）", "Paid (元)"),
    "payable": ("应付（元）", "Payable (元)"),
    "receipt_id": ("缴款书号", "Receipt"),
    "paid_in": ("缴入日期", "Paid in"),
    "role": ("处理", "Treated as"),
    "amount": ("金额（元）", "Amount (元)"),
    "counted": ("计入基数（元）", "Counted (元)"),
    "reason": ("原因", "Reason"),
    "settled_by": ("结算期间", "Settled by"),
    "difference": ("差额（元）", "Difference (元)"),
    "used": ("采用", "Used"),
    "status": ("结果", "Result"),
    "base_difference": ("基数差额（元）", "Base difference (元)"),
    "fee_difference": ("手续费差额（元）", "Fee difference (元)"),
    "year": ("年度", "Year"),
    "opening": ("年初未付（元）", "Owed before (元)"),
    "accrued": ("当年应计（元）", "Accrued (元)"),
    "closing": ("年末未付（元）", "Owed after (元)"),
    "line": ("项目", "Line"),
    "printed": ("原文数字", "As printed"),
    "unit": ("单位", "Unit"),
    "column": ("所在栏", "Column"),
    "note": ("说明", "Note"),
    "initial_budget_wan": ("年初预算（万元）", "Initial budget (万元)"),
    "adjusted_budget_wan": ("调整预算（万元）", "Adjusted (万元)"),
    "executed_wan": ("执行（万元）", "Executed (万元)"),
    "executed_to": ("执行截至", "Executed to"),
    "commissions_wan": ("其中手续费（万元）", "Of which commissions (万元)"),
    "of_initial_pct": ("占年初预算（%）", "Of initial (%)"),
    "of_adjusted_pct": ("占调整预算（%）", "Of adjusted (%)"),
    "fines_share_pct": ("罚没占比（%）", "Share of fines (%)"),
    "rate_pct": ("综合费率（%）", "Mixed rate (%)"),
    "base_yi": ("隐含基数（亿元）", "Implied base (亿元)"),
    "mean": ("预期", "Expected"),
    "base_wan": ("全年基数（万元）", "Base of the year (万元)"),
    "method": ("方法", "Method"),
    "fee_wan": ("手续费（万元）", "Fee (万元)"),
    "low": ("80%下限", "80 % low"),
    "high": ("80%上限", "80 % high"),
}
_ROLES = {
    "paid_in": "缴入",
    "refund": "退付",
    "cleared": "查清计入",
    "unmatched": "待查",
    "excluded": "剔除",
}


def named_table(frame: pd.DataFrame, lang: str, *, caption: str = "", digits: int = 2) -> None:
    """A table under the headers of the commission report."""
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


def project_file(name: str) -> Path:
    """A file named relative to the project, from any working directory.

    Raises
    ------
    InputError
        If it lies outside the project.
    """
    return inside(project_root(), name, where="file")


def answer(statement: CommissionStatement, lang: str = "zh", *, warning: str = "") -> None:
    """What is due in all, in one sentence, and what qualifies it."""
    base = sum(map(int, statement.table["base_fen"]))
    fee, due = yuan_text(statement.fee_fen), yuan_text(statement.payable_fen)
    banks = statement.table["bank"].nunique()
    say(
        f"> {banks}家代收银行，计费基数{yuan_text(base)}元，手续费**{fee}元**，尚应付{due}元。",
        f"> {banks} banks, base {yuan_text(base)} 元, commissions **{fee} 元**, "
        f"still payable {due} 元.",
        lang,
    )
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
    named_table(_in_yuan(summary, lang), lang)


def lines(statement: CommissionStatement, lang: str = "zh") -> None:
    """The statement line by line."""
    named_table(_in_yuan(statement.table.rename(columns={"rate_pct": "rate"}), lang), lang)


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
    say(
        f"共{len(receipts)}笔，计入基数{base}元；下表列前{min(rows, len(receipts))}笔。",
        f"{len(receipts)} receipts, {base} 元 counted; the first {min(rows, len(receipts))} here.",
        lang,
    )
    columns = ["receipt_id", "paid_in", "role", "amount_fen", "counted_fen", "reason"]
    shown = receipts[columns].head(rows)
    if lang == "zh":
        shown = shown.assign(role=shown["role"].map(_ROLES))
    named_table(_in_yuan(shown, lang), lang)


def left_out(statement: CommissionStatement, lang: str = "zh") -> None:
    """Excluded lines with their reasons."""
    shown = statement.excluded[["receipt_id", "bank", "paid_in", "amount", "reason"]]
    named_table(shown.astype(str), lang)


def rounding(statement: CommissionStatement, lang: str = "zh") -> None:
    """The whole fee by settlement period."""
    shown = statement.rounding()
    if lang == "zh":
        shown["settled_by"] = shown["settled_by"].map(PERIOD_ZH)
    named_table(_in_yuan(shown, lang), lang)


def example_claim(statement: CommissionStatement) -> pd.DataFrame:
    """A bank's statement with two usual mistakes, made from ours, to show the reconciliation.

    The first line that differs so is rounded receipt by receipt; the first
    other line with refunds is claimed without them.
    """
    columns = ["bank", "kind", "account", "period", "base_fen", "fee_fen"]
    claim = statement.table.groupby(columns[:4], sort=True)[columns[4:]].sum().reset_index()
    lines = statement.lines.groupby(columns[:4], sort=True)["refunds_fen"].sum().reset_index()
    for at, key in enumerate(claim[columns[:4]].itertuples(index=False, name=None)):
        receipts = statement.explain(*key)
        each = sum(
            half_up(Fraction(int(fen)) * Fraction(str(pct)) / 100)
            for fen, pct in zip(receipts["counted_fen"], receipts["rate_pct"], strict=True)
        )
        if each != claim.loc[at, "fee_fen"]:
            claim.loc[at, "fee_fen"] = each
            lines = lines.drop(index=at)
            break
    refunded = lines.index[lines["refunds_fen"] < 0]
    if len(refunded):
        claim.loc[refunded[0], "base_fen"] -= lines.loc[refunded[0], "refunds_fen"]
    return claim


_STATUS = {
    "matched": "相符", "differs": "不符", "missing here": "我方无", "missing at the bank": "银行无",
}  # fmt: skip
_REASONS = {
    "rounded receipt by receipt": "逐笔取整", "refunds are not taken off": "退付未扣减",
    "unmatched receipts are counted": "计入了待查", "excluded lines are counted": "计入了剔除行",
}  # fmt: skip


def differences(table: pd.DataFrame, lang: str = "zh") -> None:
    """Lines of a reconciliation that do not match, with the likely reason."""
    matched = int(table["status"].eq("matched").sum())
    say(f"{len(table)}行中{matched}行相符。", f"{matched} of {len(table)} lines match.", lang)
    columns = [
        "bank",
        "kind",
        "account",
        "period",
        "status",
        "base_difference_fen",
        "fee_difference_fen",
        "reason",
    ]
    shown = table.loc[table["status"].ne("matched"), columns]
    if lang == "zh":
        shown = shown.assign(
            status=shown["status"].map(_STATUS), reason=shown["reason"].replace(_REASONS)
        )
    named_table(_in_yuan(shown, lang), lang)


def cash(statement: CommissionStatement, payments: pd.DataFrame, lang: str = "zh") -> None:
    """Accrual against cash by year."""
    table = accrual_and_cash(statement, payments)
    says = "; ".join(
        f"{y}: {yuan_text(int(a))} / {yuan_text(int(p))} 元"
        for y, a, p in zip(table["year"], table["accrued_fen"], table["paid_fen"], strict=True)
    )
    show_chart(charts.accrual_chart(table, lang=lang), says)
    named_table(_in_yuan(table.assign(year=table["year"].astype(str)), lang), lang)


def need(results: list[Appropriation], lang: str = "zh") -> None:
    """Needs of the coming budgets, chart of the last one."""
    last = results[-1]
    says = f"{last.budget_year}: {last.need['mean']:,.2f} 万元"
    show_chart(charts.need_chart(last, lang=lang), says)
    rows = [
        {
            "year": str(r.budget_year),
            "base_wan": float(r.table["mean"].sum()),
            "fee_wan": r.need["mean"],
            "low": r.need["lo-80"],
            "high": r.need["hi-80"],
            "method": "; ".join(dict.fromkeys(r.table["method"])),
        }
        for r in results
    ]
    named_table(pd.DataFrame(rows), lang)
    for result in results:
        notes = result.notes if lang == "en" else result.notes_zh
        text = "\n".join(f"- {result.budget_year}：{note}" for note in notes)
        say(text, text, lang)


def write_forms(
    statement: CommissionStatement, folder: str, lang: str = "zh", *, warning: str = ""
) -> None:
    """Write the workbook and the page into a folder of the project, and say so.

    Raises
    ------
    InputError
        If the folder is outside the project, or a file.
    """
    if not folder:
        say("未写出；把参数 `forms` 设为项目内的文件夹即可。",
            "Not written; set the parameter `forms` to a folder of the project.", lang)  # fmt: skip
        return
    target = inside(project_root(), folder, where="forms")
    if target.exists() and not target.is_dir():
        raise InputError("forms", f"{folder!r} is a file", "name a folder")
    target.mkdir(parents=True, exist_ok=True)
    files = {"结算单.xlsx": settlement_workbook(statement),
             "结算单.html": settlement_page(statement, warning=warning).encode()}  # fmt: skip
    for name, content in files.items():
        (target / name).write_bytes(content)
    names = "、".join(f"`{folder}/{name}`" for name in files)
    say(f"已写出：{names}", f"Written: {names}", lang)
