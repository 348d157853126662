"""The settlement statement: what each bank is owed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.fees.encode import Names
from fiscalmodel.fees.lines import Line, RateBook, build, period_label
from fiscalmodel.fees.money import Carried, as_frame
from fiscalmodel.fees.notes import statement_notes
from fiscalmodel.fees.rates import date_text, pct_text
from fiscalmodel.fees.words import Period, account_of, clean, kind_of, official

if TYPE_CHECKING:
    from fiscalmodel.fees.reading import Reading

COLUMNS = [
    "bank", "kind", "account", "period", "base_fen", "rate_pct", "fee_fen", "arrears_fen",
    "paid_fen", "payable_fen",
]  # fmt: skip
LINE_COLUMNS = [
    "bank",
    "kind",
    "account",
    "period",
    "terms",
    "rate_pct",
    "receipts",
    "paid_in_fen",
    "refunds_fen",
    "unmatched_fen",
    "excluded_fen",
    "base_fen",
    "carried_in_fen",
    "chargeable_fen",
    "fee_fen",
    "carried_out_fen",
    "arrears_fen",
    "paid_fen",
    "payable_fen",
    "document",
    "confidence",
]
CARRY_COLUMNS = ["bank", "kind", "account", "period", "arrears_fen", "base_fen", "rate_pct"]
ROUNDING_COLUMNS = ["settled_by", "fee_fen", "difference_fen", "used"]


@dataclass(frozen=True)
class CommissionStatement:
    """Commissions by bank, kind, account and period; all money in integer 分.

    Attributes
    ----------
    table
        ``bank, kind, account, period, base_fen, rate_pct, fee_fen,
        arrears_fen, paid_fen, payable_fen``; a line for each rate that applied.
        ``payable = arrears + fee − paid`` line by line, so columns add up.
        `rate_pct` is missing where there is no single rate.
    lines
        The same lines in full: paid in, refunds, unmatched, excluded, carried
        bases, terms, 文号. ``base = paid_in + refunds`` (refunds are negative),
        ``chargeable = base + carried_in``.
    excluded
        Lines left out with the reason, and where they stand in the file.
    without_rate
        Known kinds that no rate is given for: their fee is 0.
    carry
        What goes on to the next statement: arrears and negative bases.
    notes, notes_zh
        What a reader has to know, in English and in Chinese.
    rates
        The rates used, with dates, 文号 and confidence.
    settled
        The lines as objects, in the order of `table`, for the forms.
    """

    table: pd.DataFrame
    lines: pd.DataFrame
    excluded: pd.DataFrame
    without_rate: pd.DataFrame
    carry: pd.DataFrame
    notes: tuple[str, ...]
    notes_zh: tuple[str, ...]
    rates: pd.DataFrame
    period: Period
    as_of: str
    _reading: Reading = field(repr=False, compare=False)
    _rate_book: RateBook = field(repr=False, compare=False)
    _carried: tuple[Carried, ...] = field(repr=False, compare=False, default=())
    settled: tuple[Line, ...] = field(repr=False, compare=False, default=())

    @property
    def fee_fen(self) -> int:
        """All fees of the statement, 分."""
        return sum(map(int, self.table["fee_fen"]))

    @property
    def payable_fen(self) -> int:
        """All that is still to be paid, 分."""
        return sum(map(int, self.table["payable_fen"]))

    def select(
        self, bank: str | None = None, kind: str | None = None, account: str | None = None,
        period: object = None, *, full: bool = False,
    ) -> pd.DataFrame:  # fmt: skip
        """Lines of the statement for a bank, kind, account and period (each optional)."""
        frame = self.lines if full else self.table
        keep = pd.Series(True, index=frame.index)
        if bank is not None:
            keep &= frame["bank"].eq(clean(bank))
        for column, word, of in (("kind", kind, kind_of), ("account", account, account_of)):
            if word is not None:
                keep &= frame[column].map(of).eq(of(word) or "")
        if period is not None:
            keep &= frame["period"].eq(str(period))
        return frame[keep]

    def explain(
        self, bank: str | None = None, kind: str | None = None, account: str | None = None,
        period: object = None,
    ) -> pd.DataFrame:  # fmt: skip
        """The receipts behind a fee, read again from their source.

        Returns
        -------
        DataFrame
            ``where, receipt_id, bank, kind, account, period, paid_in, role,
            amount_fen, counted_fen, rate_pct, refund_of, reason``; one row a
            receipt or refund. `counted_fen` adds up to `base_fen`; role is
            paid_in, refund, cleared, unmatched or excluded.
        """
        from fiscalmodel.fees.explain import open_receipts

        return open_receipts(self, bank, kind, account, period)

    def rounding(self) -> pd.DataFrame:
        """The whole fee if settled by month, quarter or year, against the period used.

        Returns
        -------
        DataFrame
            ``settled_by, fee_fen, difference_fen, used``. Splitting a period in
            two changes a line's fee by at most 1 分 while its bases are not
            negative and its terms are one plain rate.
        """
        rows: list[dict[str, Any]] = []
        periods: tuple[Period, ...] = ("month", "quarter", "year")
        for by in periods:
            banks = list(self._reading.names.banks)
            lines = build(self._reading.book, banks, self._rate_book, by, self._carried)
            fee = sum(line.fee for line in lines)
            rows.append({"settled_by": by, "fee_fen": fee, "difference_fen": fee - self.fee_fen,
                         "used": by == self.period})  # fmt: skip
        return as_frame(rows, ROUNDING_COLUMNS)

    def summary(self) -> pd.DataFrame:
        """The bureau's summary: one row a bank, and the total (合计)."""
        money = ["base_fen", "fee_fen", "arrears_fen", "paid_fen", "payable_fen"]
        by_bank = self.table.groupby("bank", sort=True)[money].sum()
        by_bank.loc["合计"] = by_bank.sum()
        return by_bank.reset_index()

    def split_funding(self, transfer_fen: int) -> pd.DataFrame:
        """Share what is payable between district funds (区级) and transfers (上级转移支付).

        Parameters
        ----------
        transfer_fen
            Upper-level transfer available for commissions, 分.

        Returns
        -------
        DataFrame
            Lines with ``payable_fen, transfer_fen, district_fen``; the transfer
            is spread in proportion to what is payable, by largest remainders,
            so that both columns add up exactly.
        """
        from fiscalmodel.fees.money import spread

        frame = self.table[["bank", "kind", "account", "period", "payable_fen"]].copy()
        due = [max(int(v), 0) for v in frame["payable_fen"]]
        transfer = spread(min(int(transfer_fen), sum(due)), due)
        frame["transfer_fen"] = transfer
        frame["district_fen"] = [
            int(p) - t for p, t in zip(frame["payable_fen"], transfer, strict=True)
        ]
        return frame


def assemble(
    reading: Reading, lines: Sequence[Line], rate_book: RateBook, period: Period, *,
    as_of: int | None, notes: Sequence[tuple[str, str]], carried: Sequence[Carried],
) -> CommissionStatement:  # fmt: skip
    """Put the lines into tables and say what has to be said."""
    full = as_frame([_row(line, period, reading.names) for line in lines], LINE_COLUMNS)
    last = {(line.bank, line.kind, line.account): line.period for line in lines}
    carry = as_frame(
        [
            _carry_row(line, period, reading.names, _is_last(line, last))
            for line in lines
            if line.payable or _is_last(line, last)
        ],
        CARRY_COLUMNS,
    )
    said = [*statement_notes(reading, lines, period), *notes]
    without = full[full["rate_pct"].isna() & full["terms"].eq("")]
    without = without[["bank", "kind", "account", "period", "base_fen"]].reset_index(drop=True)
    return CommissionStatement(
        table=full[COLUMNS].copy(),
        lines=full,
        excluded=reading.excluded,
        without_rate=without,
        carry=carry,
        notes=tuple(en for en, _ in said),
        notes_zh=tuple(zh for _, zh in said),
        rates=_rates_frame(rate_book),
        period=period,
        as_of="" if as_of is None else date_text(as_of),
        _reading=reading,
        _rate_book=rate_book,
        _carried=tuple(carried),
        settled=tuple(lines),
    )


def _is_last(line: Line, last: dict[tuple[str, str, str], int]) -> bool:
    """Whether a negative base is still open at the end of the statement."""
    return bool(line.carried_out) and line.period == last[(line.bank, line.kind, line.account)]


def _row(line: Line, period: Period, names: Names) -> dict[str, Any]:
    terms = line.terms
    single = terms is not None and not terms.tiers
    return {
        "bank": line.bank, "kind": names.spelled(line.kind), "account": names.spelled(line.account),
        "period": period_label(line.period, period), "terms": "" if terms is None else str(terms),
        "rate_pct": float(terms.rate_pct) if single and terms is not None else float("nan"),
        "receipts": line.receipts, "paid_in_fen": line.paid_in, "refunds_fen": line.refunds,
        "unmatched_fen": line.unmatched, "excluded_fen": line.excluded, "base_fen": line.base,
        "carried_in_fen": line.carried_in, "chargeable_fen": line.chargeable, "fee_fen": line.fee,
        "carried_out_fen": line.carried_out, "arrears_fen": line.arrears, "paid_fen": line.paid,
        "payable_fen": line.payable, "document": "" if line.rate is None else line.rate.document,
        "confidence": "" if line.rate is None else line.rate.confidence,
    }  # fmt: skip


def _carry_row(line: Line, period: Period, names: Names, is_last: bool) -> dict[str, Any]:
    terms = line.terms
    return {
        "bank": line.bank, "kind": names.spelled(line.kind), "account": names.spelled(line.account),
        "period": period_label(line.period, period), "arrears_fen": line.payable,
        "base_fen": line.carried_out if is_last else 0,
        "rate_pct": None if terms is None else pct_text(terms.rate_pct),
    }  # fmt: skip


def _rates_frame(rate_book: RateBook) -> pd.DataFrame:
    rows = [
        {
            "kind": official(r.kind),
            "bank": r.bank,
            "account": official(r.account),
            "terms": str(r.terms),
            "valid_from": date_text(r.valid_from),
            "valid_to": date_text(r.valid_to),
            "document": r.document,
            "confidence": r.confidence,
        }
        for r in rate_book.rates
    ]
    columns = [
        "kind",
        "bank",
        "account",
        "terms",
        "valid_from",
        "valid_to",
        "document",
        "confidence",
    ]
    return as_frame(rows, columns)
