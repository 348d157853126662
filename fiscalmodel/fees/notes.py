"""What a reader of the statement has to know, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiscalmodel.fees.lines import Line, period_label
from fiscalmodel.fees.words import PERIOD_ZH, Period, official
from fiscalmodel.units import yuan_text

if TYPE_CHECKING:
    from fiscalmodel.fees.reading import Reading

#: English and Chinese.
Note = tuple[str, str]


def statement_notes(reading: Reading, lines: Sequence[Line], period: Period) -> list[Note]:
    """Rounding, negative bases, special terms, kinds without a rate, what is left out."""
    zh = PERIOD_ZH[period]
    notes: list[Note] = [
        (
            f"Settled by {period} ({zh}): each fee is rounded once per line, half up, to the 分; "
            "settled in shorter periods the sum may differ by up to 1 分 for each line.",
            f"按{zh}结算：每行手续费只四舍五入一次，精确到分；若按更短期间结算，每行合计最多相差1分。",
        )
    ]
    for line in lines:
        notes += _line_notes(line, period)
    kinds = "、".join(sorted({official(line.kind) for line in lines if line.rate is None}))
    if kinds:
        notes.append((f"No rate is given for: {kinds}. Their fee is 0.",
                      f"下列收入种类未规定费率，手续费为0：{kinds}。"))  # fmt: skip
    pending = sum(line.unmatched for line in lines)
    if pending:
        text = yuan_text(pending)
        notes.append((f"Unmatched receipts (待查) of {text} 元 are not in the base.",
                      f"待查收入{text}元未计入基数。"))  # fmt: skip
    left_out = len(reading.excluded)
    if left_out:
        notes.append((f"{left_out:,} lines are excluded, each with its reason (see excluded).",
                      f"剔除{left_out:,}笔，原因逐笔列示。"))  # fmt: skip
    resolved = reading.resolved
    if resolved.turned:
        notes.append(
            (
                f"{resolved.turned:,} refunds were written as positive amounts and taken off.",
                f"{resolved.turned:,}笔退付以正数填列，已作扣减。",
            )
        )
    if resolved.backwards:
        many = f"{resolved.backwards:,}"
        notes.append((f"{many} refunds are dated before their receipt: check the dates.",
                      f"{many}笔退付日期早于原缴款日期，请核对。"))  # fmt: skip
    return notes


def _line_notes(line: Line, period: Period) -> list[Note]:
    place = (official(line.kind), official(line.account), period_label(line.period, period))
    en, zh = ", ".join((line.bank, *place)), "，".join((line.bank, *place))
    notes: list[Note] = []
    if line.carried_out:
        base = yuan_text(line.carried_out)
        notes.append(
            (
                f"{en}: refunds exceed receipts; the negative base of {base} 元 "
                "is carried to the next period.",
                f"{zh}：退付大于缴入，负基数{base}元结转下期抵减。",
            )
        )
    elif line.chargeable < 0:
        fee = yuan_text(-line.fee)
        notes.append((
            f"{en}: refunds of receipts at the rate of {line.terms} lower the fee by {fee} 元.",
            f"{zh}：按原费率{line.terms}计算的退付冲减手续费{fee}元。",
        ))  # fmt: skip
    if line.terms is not None and not line.terms.plain:
        notes.append((f"{en}: terms {line.terms}, applied to the line's base of the {period}.",
                      f"{zh}：计费条件 {line.terms}，按本行本期基数适用。"))  # fmt: skip
    return notes


def overpaid(bank: str, fen: int) -> Note:
    """A payment above what was due."""
    text = yuan_text(fen)
    return (f"{bank} was paid {text} 元 more than was due; it stands as a credit.",
            f"{bank}多付{text}元，作预付处理。")  # fmt: skip
