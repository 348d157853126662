"""The settlement statement: what each bank is owed, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd

from fiscalmodel.fees.ledger import (
    Carried,
    Line,
    Period,
    Sums,
    build,
    month_of,
    period_label,
    period_number,
)
from fiscalmodel.fees.receipts import (
    CLEARED,
    COUNTED,
    REFUND,
    STATUS_NAMES,
    UNSTATED,
    WORDS,
    Names,
    Receipts,
)
from fiscalmodel.fees.terms import (
    RateBook,
    date_text,
    official_name,
    pct_text,
)
from fiscalmodel.units import FEN_PER, yuan_text
from fiscalmodel.words import Text, official_words, say

LINE = ("bank", "kind", "account", "period")
#: Amounts of a line, by the names of its columns without ``_fen``.
_AMOUNTS = (
    "paid_in", "refunds", "unmatched", "excluded", "base", "carried_in", "chargeable", "fee",
    "carried_out", "arrears", "paid", "payable",
)  # fmt: skip
LINE_COLUMNS = [
    *LINE, "terms", "rate_pct", "receipts", *(f"{name}_fen" for name in _AMOUNTS), "document",
    "confidence",
]  # fmt: skip
MONEY = ["base_fen", "fee_fen", "arrears_fen", "paid_fen", "payable_fen"]
COLUMNS = [*LINE, "base_fen", "rate_pct", *MONEY[1:]]
RECEIPT_COLUMNS = [
    "where", "receipt_id", "bank", "kind", "account", "period", "paid_in", "role", "amount_fen",
    "counted_fen", "rate_pct", "refund_of", "reason",
]  # fmt: skip
#: Bank, canonical kind and account, period.
Key = tuple[str, str, str, str]


@dataclass(frozen=True, repr=False)
class CommissionStatement:
    """Commissions by bank, kind, account and period; all money in integer 分.

    In a notebook it shows itself: what is owed in one sentence, what a reader has to
    know, and the sums by bank.

    Attributes
    ----------
    table
        ``bank, kind, account, period, base_fen, rate_pct, fee_fen,
        arrears_fen, paid_fen, payable_fen``; a line for each rate that applied.
        ``payable = arrears + fee − paid`` line by line, so columns add up.
        `rate_pct` is missing where there is no single rate; `arrears_fen` and `paid_fen`
        where nothing of what is owed from before, or was paid, is given.
    lines
        The same lines in full: paid in, refunds, unmatched, excluded, carried
        bases, terms, 文号. ``base = paid_in + refunds`` (refunds are negative),
        ``chargeable = base + carried_in``.
    excluded
        Lines left out with the reason, and where they stand in the file.
    carry
        What goes on to the next statement: arrears and negative bases.
    notes
        What a reader has to know, in both languages.
    rates
        The rates used, by their official Chinese terms, with dates, 文号 and confidence.
    settled
        The lines as objects, in the order of `table`, for the forms.
    missing
        ``arrears_fen`` and ``paid_fen``, as far as they are not given: payable is then before
        them.
    """

    table: pd.DataFrame
    lines: pd.DataFrame
    excluded: pd.DataFrame
    carry: pd.DataFrame
    notes: tuple[Text, ...]
    rates: pd.DataFrame
    period: Period
    as_of: str
    receipts: Receipts = field(compare=False)
    sums: Sums = field(compare=False)
    rate_book: RateBook = field(compare=False)
    carried: tuple[Carried, ...] = field(compare=False, default=())
    settled: tuple[Line, ...] = field(compare=False, default=())
    missing: tuple[str, ...] = ()

    @property
    def fee_fen(self) -> int:
        """All fees of the statement, 分."""
        return sum(map(int, self.table["fee_fen"]))

    @property
    def payable_fen(self) -> int:
        """All that is still to be paid, 分."""
        return sum(map(int, self.table["payable_fen"]))

    @property
    def answer(self) -> Text:
        """What is due in all, in one sentence."""
        due = "due_before_payments" if "paid_fen" in self.missing else "due"
        return say(
            "fees.answer", banks=self.table["bank"].nunique(), fee=yuan_text(self.fee_fen),
            base=yuan_text(sum(map(int, self.table["base_fen"]))),
            due=say(f"fees.{due}", amount=yuan_text(self.payable_fen)),
        )  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join(map(str, (self.answer, *self.notes)))

    def _repr_html_(self) -> str:
        from markupsafe import escape

        from fiscalmodel.display import result_html

        notes = "".join(f'<p class="fm-note">{escape(str(note))}</p>' for note in self.notes)
        shown = self.summary(by=("bank", "kind")).rename(
            columns={"kind": "receipt_kind", "rate_pct": "fee_rate_pct"}
        )
        for column in self.missing:
            # As text under the head in 元: a dash would say that there is no such money.
            text = str(say("fees.not_given"))
            shown = shown.rename(columns={column: f"{column[:-4]}_yuan"})
            shown[f"{column[:-4]}_yuan"] = text
        return result_html(self.answer, shown, unit="元") + notes

    def plot(self, lang: str | None = None) -> Any:
        """Fees by bank, split by kind, 万元, the largest at the top.

        Returns
        -------
        fiscalmodel.display.Chart
        """
        from fiscalmodel import display

        table = self.table.assign(kind=[line.kind for line in self.settled])
        wide = table.pivot_table(index="bank", columns="kind", values="fee_fen", aggfunc="sum")
        wide = wide.fillna(0).astype(float) / FEN_PER["万元"]
        wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False).index]
        height = 1.9 + 0.5 * len(wide)
        figure, axis, lang = display.figure(say("fees.chart_banks"), lang, size=(8.6, height))
        axis.set_xlabel(say("fees.axis_fee")(lang))
        names = {str(kind): official_name(str(kind)) for kind in wide.columns}
        display.stack(axis, wide, across=True, names=names, lang=lang)
        display.legend(axis)
        by_bank = [f"{bank} {total:,.2f}" for bank, total in wide.sum(axis=1).items()]
        return display.Chart(figure, say("fees.alt_banks", banks=by_bank)(lang))

    def by_line(self) -> dict[Key, dict[str, Any]]:
        """Lines added up over rates, by canonical words, each with its parts under ``lines``."""
        names = [name for name in _AMOUNTS if f"{name}_fen" not in self.missing]
        result: dict[Key, dict[str, Any]] = {}
        for line in self.settled:
            key = (*line.name, period_label(line.period, self.period))
            total = result.setdefault(key, {f"{name}_fen": 0 for name in names} | {"lines": []})
            for name in names:
                total[f"{name}_fen"] += getattr(line, name)
            total["lines"].append(line)
        return result

    def explain(
        self, bank: str | None = None, kind: str | None = None, account: str | None = None,
        period: object = None,
    ) -> pd.DataFrame:  # fmt: skip
        """The receipts behind a fee, in the order of their source.

        Returns
        -------
        DataFrame
            ``where, receipt_id, bank, kind, account, period, paid_in, role,
            amount_fen, counted_fen, rate_pct, refund_of, reason``; one row a
            receipt or refund. `counted_fen` adds up to `base_fen`; role is
            paid_in, refund, cleared, unmatched or excluded.
        """
        read, names = self.receipts, self.receipts.names
        hit = (read.line >= 0) & (read.day >= self.sums.since)
        for column, code, word in zip(
            WORDS, names.codes(read.line), (bank, kind, account), strict=True
        ):
            if word is not None:
                hit &= code == names.code(column, word, known=True)
        frame = self._opened(np.flatnonzero(hit))
        return frame if period is None else frame[frame["period"].eq(str(period))].reset_index(
            drop=True
        )  # fmt: skip

    def _opened(self, rows: Any) -> pd.DataFrame:
        read, names = self.receipts, self.receipts.names
        lines, line = np.unique(read.line[rows], return_inverse=True)
        words = [names.of(int(code)) for code in lines]
        dates, day = np.unique(read.day[rows], return_inverse=True)
        pairs = np.column_stack([line, self.sums.stretch(read.rate_day[rows])])
        stretches, pair = np.unique(pairs, axis=0, return_inverse=True)
        rates = [self.rate_book.within(*words[int(at)], int(part)) for at, part in stretches]
        status, fen = read.status[rows], read.fen[rows]
        frame = read.table.frame.iloc[rows]

        def text(column: str) -> list[str]:
            values = frame.get(column, [""] * len(frame))
            return ["" if pd.isna(value) else str(value) for value in values]

        def spelled(part: int) -> Any:
            return np.array([names.spelled(word[part]) for word in words], object)[line]

        return pd.DataFrame({
            "where": [read.table.where(int(i), "amount") for i in rows],
            "receipt_id": frame["receipt_id"].to_numpy(),
            "bank": spelled(0), "kind": spelled(1), "account": spelled(2),
            "period": np.array(self.period_labels(dates), object)[day],
            "paid_in": [date_text(int(d)) for d in read.paid_in[rows]],
            "role": np.array(STATUS_NAMES, object)[status],
            "amount_fen": fen,
            "counted_fen": np.where(np.isin(status, (COUNTED, CLEARED, REFUND)), fen, 0),
            "rate_pct": np.array(
                [np.nan if r is None else float(r.terms.rate_pct) for r in rates], float
            )[pair.ravel()],
            "refund_of": text("refund_of"), "reason": text("excluded"),
        }, columns=RECEIPT_COLUMNS)  # fmt: skip

    def period_labels(self, days: Any) -> list[str]:
        """The statement's period of each day (since 1970-01-01)."""
        return [
            period_label(period_number(int(month), self.period), self.period)
            for month in month_of(days)
        ]

    def rounding(self) -> pd.DataFrame:
        """The whole fee if settled by month, quarter or year, against the period used.

        Returns
        -------
        DataFrame
            ``settled_by, fee_fen, difference_fen, used``. Splitting a period in
            two changes a line's fee by at most 1 分 while its bases are not
            negative and its terms are one plain rate.
        """
        rows = []
        for by in get_args(Period):
            lines = build(self.sums, self.receipts.names, self.rate_book, by, self.carried)
            fee = sum(line.fee for line in lines)
            rows.append((by, fee, fee - self.fee_fen, by == self.period))
        return pd.DataFrame(rows, columns=["settled_by", "fee_fen", "difference_fen", "used"])

    def summary(self, by: Sequence[str] = ("bank",)) -> pd.DataFrame:
        """The bureau's summary, by bank or by further columns, and the total, named All.

        By kind there is `rate_pct` too, missing where there is more than one.
        """
        groups = self.table.groupby(list(by), sort=True)
        made = groups[MONEY].sum(min_count=1)
        last = made.sum(min_count=1).to_frame().T.astype(made.dtypes)
        if "kind" in by:
            rates = groups["rate_pct"].agg(lambda r: r.iloc[0] if r.eq(r.iloc[0]).all()
                                           else float("nan"))  # fmt: skip
            made.insert(1, "rate_pct", rates)
        last = last.assign(**{name: "All" if name == by[0] else "" for name in by})
        return pd.concat([made.reset_index(), last], ignore_index=True)


def assemble(
    receipts: Receipts, sums: Sums, lines: Sequence[Line], rate_book: RateBook, period: Period, *,
    as_of: int | None, notes: Sequence[Text], carried: Sequence[Carried],
    missing: Sequence[str] = (),
) -> CommissionStatement:  # fmt: skip
    """Put the lines into tables and say what has to be said."""
    names = receipts.names
    full = pd.DataFrame([_row(line, period, names) for line in lines], columns=LINE_COLUMNS)
    for column in missing:
        full[column] = pd.array([None] * len(full), "Int64")
    last = {line.name: line.period for line in lines}
    bases = [line.carried_out if line.period == last[line.name] else 0 for line in lines]
    carry = [
        (*_head(line, period, names), line.payable, base,
         None if line.terms is None else pct_text(line.terms.rate_pct))
        for line, base in zip(lines, bases, strict=True) if base or line.payable
    ]  # fmt: skip
    left_out = receipts.excluded()
    return CommissionStatement(
        table=full[COLUMNS].copy(),
        lines=full,
        excluded=left_out,
        carry=pd.DataFrame(carry, columns=[*LINE, "arrears_fen", "base_fen", "rate_pct"]),
        notes=(
            *_notes(receipts, lines, period, len(left_out)),
            *(say(f"fees.note_no_{column[:-4]}") for column in missing),
            *notes,
        ),
        rates=_rates_frame(rate_book),
        period=period,
        as_of="" if as_of is None else date_text(as_of),
        receipts=receipts,
        sums=sums,
        rate_book=rate_book,
        carried=tuple(carried),
        settled=tuple(lines),
        missing=tuple(missing),
    )


def _head(line: Line, period: Period, names: Names) -> tuple[str, str, str, str]:
    kind, account = names.spelled(line.kind), names.spelled(line.account)
    return line.bank, kind, account, period_label(line.period, period)


def _row(line: Line, period: Period, names: Names) -> list[Any]:
    terms, rate = line.terms, line.rate
    return [
        *_head(line, period, names),
        "" if terms is None else terms.said(),
        float("nan") if terms is None or terms.tiers else float(terms.rate_pct),
        line.receipts,
        *(getattr(line, name) for name in _AMOUNTS),
        *(("", "") if rate is None else (rate.document, rate.confidence)),
    ]


def _rates_frame(rate_book: RateBook) -> pd.DataFrame:
    rows = [
        {
            "kind": official_name(r.kind)("zh"), "bank": r.bank,
            "account": official_name(r.account)("zh"), "terms": r.terms.said("zh"),
            "valid_from": date_text(r.valid_from), "valid_to": date_text(r.valid_to),
            "document": r.document, "confidence": r.confidence,
        }
        for r in rate_book.rates
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _notes(
    receipts: Receipts, lines: Sequence[Line], period: Period, left_out: int
) -> Iterator[Text]:
    """Rounding, negative bases, special terms, kinds without a rate, what is left out."""
    by = Text(official_words("frequency")[period], official_words("frequency", "en")[period])
    yield say("fees.note_rounding", period=by)
    for line in lines:
        yield from _line_notes(line, period)
    unrated = sorted({line.kind for line in lines if line.rate is None})
    if unrated:
        yield say("fees.note_no_rate", kinds=[official_name(kind) for kind in unrated])
    if any(line.account == UNSTATED for line in lines):
        yield say("fees.note_no_account")
    if pending := sum(line.unmatched for line in lines):
        yield say("fees.note_unmatched", amount=yuan_text(pending))
    if left_out:
        yield say("fees.note_excluded", count=left_out)
    if receipts.turned:
        yield say("fees.note_turned", count=receipts.turned)
    if receipts.backwards:
        yield say("fees.note_backwards", count=receipts.backwards)


def _line_notes(line: Line, period: Period) -> Iterator[Text]:
    said: dict[str, dict[str, object]] = {}
    terms = line.terms
    if line.carried_out:
        said["fees.note_carried"] = {"base": yuan_text(line.carried_out)}
    elif line.chargeable < 0 and terms is not None:
        said["fees.note_credit"] = {"terms": terms.said, "fee": yuan_text(-line.fee)}
    if terms is not None and not terms.plain:
        said["fees.note_terms"] = {"terms": terms.said}
    for key, values in said.items():
        yield say(
            key, bank=line.bank, kind=official_name(line.kind),
            account=official_name(line.account), period=period_label(line.period, period), **values,
        )  # fmt: skip
