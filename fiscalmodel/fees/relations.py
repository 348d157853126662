"""Which bank collects, from when to when (代理关系)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiscalmodel.errors import Collector
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.rates import FIRST_DAY, LAST_DAY, date_text, day_or
from fiscalmodel.fees.words import ACCOUNTS, KINDS, account_of, clean, kind_of, near

HEADERS: dict[str, tuple[str, ...]] = {
    "bank": ("银行", "代收银行", "代理银行"),
    "kind": ("种类", "收入种类", "类别"),
    "account": ("账户", "缴入账户"),
    "valid_from": ("起始日期", "代理起", "from"),
    "valid_to": ("终止日期", "截止日期", "代理止", "to"),
    "document": ("文号", "协议", "依据"),
}
RelationsLike = TableLike | Mapping[str, Any] | Sequence[str] | None


@dataclass(frozen=True)
class Relation:
    """A bank may collect from the first to the last day, both included."""

    bank: str
    kind: str = ""
    account: str = ""
    valid_from: int = FIRST_DAY
    valid_to: int = LAST_DAY
    document: str = ""

    def covers(self, kind: str, account: str) -> bool:
        """Whether it speaks of this kind and account."""
        return self.kind in ("", kind) and self.account in ("", account)


def read_relations(relations: RelationsLike) -> tuple[Relation, ...] | None:
    """Relations from a table, a list of banks, or a mapping bank -> (from, to).

    Raises
    ------
    InputError
        All problems of the table at once.
    """
    if relations is None:
        return None
    if isinstance(relations, Mapping):
        relations = [
            {"bank": b, "valid_from": d[0], "valid_to": d[1]} for b, d in relations.items()
        ]
    elif isinstance(relations, Sequence) and not isinstance(relations, str):
        relations = [{"bank": r} if isinstance(r, str) else r for r in relations]
    source = open_table(relations, name="relations", headers=HEADERS, required=("bank",))
    found = Collector()
    result = []
    for row, record in records(source):
        kind = account = ""
        if record.get("bank") is None:
            found.add(source.place(row, "bank"), "bank is missing")
        if record.get("kind") is not None:
            kind = kind_of(record["kind"]) or ""
            if not kind:
                found.add(
                    source.place(row, "kind"),
                    f"unknown kind {record['kind']!r}",
                    near(record["kind"], KINDS),
                )
        if record.get("account") is not None:
            account = account_of(record["account"]) or ""
            if not account:
                found.add(source.place(row, "account"), f"unknown account {record['account']!r}",
                          near(record["account"], ACCOUNTS))  # fmt: skip
        start = day_or(record.get("valid_from"), FIRST_DAY, source.place(row, "valid_from"), found)
        end = day_or(record.get("valid_to"), LAST_DAY, source.place(row, "valid_to"), found)
        if start > end:
            found.add(
                source.place(row, "valid_to"), "ends before it begins", "valid_to is the last day"
            )
        result.append(Relation(clean(record.get("bank")), kind, account, start, end,
                               clean(record.get("document") or "")))  # fmt: skip
    found.raise_if_any()
    return tuple(result)


def outside(
    relations: Sequence[Relation], bank: str, kind: str, account: str, day: int
) -> tuple[str, str] | None:
    """What is wrong with a receipt of this bank on this day, or None."""
    mine = [r for r in relations if r.bank == bank]
    if not mine:
        close = difflib.get_close_matches(bank, {r.bank for r in relations}, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown bank {bank!r}", hint + "add its relation, or correct the name"
    fitting = [r for r in mine if r.covers(kind, account)]
    if any(r.valid_from <= day <= r.valid_to for r in fitting):
        return None
    spans = _spans(fitting) or f"none for {kind} into the {account}"
    return f"{date_text(day)} is outside the relation with {bank} ({spans})", (
        "correct the date or the relation, or exclude the line with a reason"
    )


def _spans(relations: Iterable[Relation]) -> str:
    return ", ".join(f"{date_text(r.valid_from)} to {date_text(r.valid_to)}" for r in relations)
