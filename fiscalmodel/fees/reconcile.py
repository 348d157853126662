"""Our statement against the bank's own and against the treasury's report."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.money import as_frame, fen_of, words_of
from fiscalmodel.fees.reasons import Key, elsewhere, our_lines, why, why_treasury
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import clean

BANK_HEADERS: dict[str, tuple[str, ...]] = {
    "bank": ("银行", "代收银行", "代理银行"),
    "kind": ("种类", "收入种类"),
    "account": ("账户", "缴入账户"),
    "period": ("所属期", "期间"),
    "base": ("计费基数(元)", "基数(元)", "计费基数"),
    "base_fen": (),
    "fee": ("手续费(元)", "手续费"),
    "fee_fen": (),
}
COLUMNS = [
    "bank",
    "kind",
    "account",
    "period",
    "status",
    "base_fen",
    "bank_base_fen",
    "base_difference_fen",
    "fee_fen",
    "bank_fee_fen",
    "fee_difference_fen",
    "reason",
]


def reconcile_bank(statement: CommissionStatement, bank_statement: TableLike) -> pd.DataFrame:
    """Compare line by line with what the bank claims, and say why they may differ.

    Parameters
    ----------
    bank_statement
        Table ``bank, kind, account, period, base, fee`` (元, or ``base_fen,
        fee_fen``), periods as in the statement.

    Returns
    -------
    DataFrame
        ``bank, kind, account, period, status, base_fen, bank_base_fen,
        base_difference_fen, fee_fen, bank_fee_fen, fee_difference_fen, reason``;
        status is matched, differs, missing at the bank or missing here. A
        reason is given only where it explains the difference to the 分.

    Raises
    ------
    InputError
        All problems of the bank's table at once.
    """
    theirs = _read(bank_statement)
    ours = our_lines(statement)
    spelled = statement._reading.names.spelled
    rows = []
    for key in sorted({*ours, *theirs}):
        bank, kind, account, period = key
        mine, their = ours.get(key), theirs.get(key)
        row: dict[str, Any] = {"bank": bank, "kind": spelled(kind), "account": spelled(account),
                               "period": period}  # fmt: skip
        row |= {
            "base_fen": mine["base_fen"] if mine else 0,
            "fee_fen": mine["fee_fen"] if mine else 0,
        }
        row |= {"bank_base_fen": their[0] if their else 0, "bank_fee_fen": their[1] if their else 0}
        row["base_difference_fen"] = row["bank_base_fen"] - row["base_fen"]
        row["fee_difference_fen"] = row["bank_fee_fen"] - row["fee_fen"]
        if mine is None:
            row |= {"status": "missing here", "reason": elsewhere(key, row, ours, theirs)}
        elif their is None:
            row |= {"status": "missing at the bank", "reason": elsewhere(key, row, ours, theirs)}
        elif not row["base_difference_fen"] and not row["fee_difference_fen"]:
            row |= {"status": "matched", "reason": ""}
        else:
            row |= {"status": "differs", "reason": why(statement, key, row, mine, ours, theirs)}
        rows.append(row)
    return as_frame(rows, COLUMNS)


def _read(table: TableLike) -> dict[Key, tuple[int, int]]:
    source = open_table(
        table,
        name="bank statement",
        headers=BANK_HEADERS,
        required=("bank", "kind", "account", "period"),
    )
    found = Collector()
    result: dict[Key, tuple[int, int]] = {}
    for row, record in records(source):
        kind, account = words_of(source, row, record, found)
        base = fen_of(source, row, record, ("base_fen", "base"), found)
        fee = fen_of(source, row, record, ("fee_fen", "fee"), found)
        key = (clean(record.get("bank")), kind, account, clean(_period(record.get("period"))))
        if key in result:
            found.add(
                source.place(row, "period"), f"{' '.join(key)} stands twice", "add the lines up"
            )
        result[key] = base, fee
    found.raise_if_any()
    return result


def _period(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def reconcile_receipts(
    statement: CommissionStatement, bank_receipts: TableLike, bank: str
) -> pd.DataFrame:
    """Compare receipt by receipt with the bank's own list.

    Parameters
    ----------
    bank_receipts
        Table ``receipt_id, paid_in, amount`` and optionally ``kind``.
    bank
        Whose list it is.

    Returns
    -------
    DataFrame
        ``receipt_id, status, amount_fen, bank_amount_fen, difference_fen,
        paid_in, bank_paid_in, reason``.
    """
    from fiscalmodel.fees.receipts_match import match_receipts

    if bank not in statement._reading.names.banks:
        raise InputError(
            "bank", f"{bank!r} is not in the statement", "use its name as on the statement"
        )
    return match_receipts(statement.explain(bank), bank_receipts, statement)


def reconcile_treasury(statement: CommissionStatement, totals: TableLike) -> pd.DataFrame:
    """Totals of kinds and accounts against the treasury's report.

    Parameters
    ----------
    totals
        Table ``kind, account, period, base`` (元, or ``base_fen``): what the
        treasury or fiscal account reports as received, net of refunds.

    Returns
    -------
    DataFrame
        ``kind, account, period, base_fen, report_fen, difference_fen, reason``.
    """
    headers = {**BANK_HEADERS, "base": ("金额(元)", "金额", "amount", *BANK_HEADERS["base"])}
    required = ("kind", "account", "period")
    source = open_table(totals, name="treasury report", headers=headers, required=required)
    found = Collector()
    report: dict[tuple[str, str, str], int] = {}
    for row, record in records(source):
        kind, account = words_of(source, row, {"bank": "-", **record}, found)
        key = (kind, account, clean(_period(record.get("period"))))
        report[key] = report.get(key, 0) + fen_of(source, row, record, ("base_fen", "base"), found)
    found.raise_if_any()
    ours: dict[tuple[str, str, str], dict[str, int]] = {}
    for (_, kind, account, period), line in our_lines(statement).items():
        total = ours.setdefault((kind, account, period), defaultdict(int))
        for name in ("base_fen", "refunds_fen", "unmatched_fen", "excluded_fen"):
            total[name] += line[name]
    spelled = statement._reading.names.spelled
    rows = []
    for key in sorted({*ours, *report}):
        mine = ours.get(key, defaultdict(int))
        stated = report.get(key, 0)
        rows.append({
            "kind": spelled(key[0]), "account": spelled(key[1]), "period": key[2],
            "base_fen": mine["base_fen"], "report_fen": stated,
            "difference_fen": stated - mine["base_fen"],
            "reason": why_treasury(stated - mine["base_fen"], mine, key in report),
        })  # fmt: skip
    columns = ["kind", "account", "period", "base_fen", "report_fen", "difference_fen", "reason"]
    return as_frame(rows, columns)
