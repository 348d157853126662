"""One pass over the receipts: sums, problems, refunds on their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.book import Book
from fiscalmodel.fees.encode import EXCLUDED, LISTED, REFUND, Batch, Names, encode
from fiscalmodel.fees.files import Source
from fiscalmodel.fees.lines import names_of
from fiscalmodel.fees.refunds import NOTHING, Resolved
from fiscalmodel.fees.register import MemoryRegister, Register
from fiscalmodel.fees.relations import Relation, outside
from fiscalmodel.fees.spill import SpillRegister
from fiscalmodel.fees.words import REQUIRED


@dataclass
class Reading:
    """What one pass over the receipts brings."""

    source: Source
    names: Names
    book: Book
    resolved: Resolved
    excluded: pd.DataFrame
    rows: int
    as_of: int | None


def read_receipts(
    source: Source,
    as_of: int | None,
    since: int,
    changes: Sequence[int],
    linked: Sequence[Relation] | None,
    found: Collector,
) -> Reading:
    """One pass over the receipts: sums by line and day, problems, refunds resolved."""
    names, book = Names(), Book(changes, since, linked is not None)
    ids = None if source.whole is None else source.whole["receipt_id"]
    register: Register = SpillRegister(source) if source.large else MemoryRegister(ids)
    excluded: list[pd.DataFrame] = []
    rows = 0
    for first, frame in source.chunks():
        batch = encode(first, frame, names, found, source.place, as_of)
        excluded.append(_excluded_rows(batch, source))
        book.add(batch)
        register.add(batch)
        rows += len(frame)
    if not rows:
        found.add(source.name, "no receipts", "give at least one row")
        return Reading(source, names, book, NOTHING, pd.DataFrame(), 0, as_of)
    resolved = register.finish(found, source.place)
    resolved.post(book)
    if linked is not None:
        _check_relations(source, names, book, linked, found)
    left_out = pd.concat(excluded, ignore_index=True)
    return Reading(source, names, book, resolved, left_out, rows, as_of)


def _excluded_rows(batch: Batch, source: Source) -> pd.DataFrame:
    """Excluded lines as they were written, with their place and reason."""
    at = np.flatnonzero(batch.status == EXCLUDED)
    rows = batch.frame.iloc[at]
    result = rows[list(REQUIRED)].astype(object).reset_index(drop=True)
    result["reason"] = rows["excluded"].astype(object).to_numpy() if len(at) else []
    result.insert(0, "where", [source.place(batch.first + int(i), "excluded") for i in at])
    return result


def _check_relations(
    source: Source, names: Names, book: Book, linked: Sequence[Relation], found: Collector
) -> None:
    """Receipts of unknown banks, or outside their bank's days; a refund goes by its receipt."""
    banks = list(names.banks)
    wrong: dict[tuple[int, int], tuple[str, str]] = {}
    for code, day in book.seen:
        says = outside(linked, *names_of(code, banks), day)
        if says is not None:
            wrong[(code, day)] = says
    if not wrong:
        return
    listed = more = 0
    for first, frame in source.chunks():
        batch = encode(first, frame, names, Collector(), source.place, None)
        plain = (batch.status != EXCLUDED) & (batch.status != REFUND) & (batch.line >= 0)
        lines = np.isin(batch.line, np.array([code for code, _ in wrong])) & plain
        for i in np.flatnonzero(lines):
            says = wrong.get((int(batch.line[i]), int(batch.day[i])))
            if says is None:
                continue
            if listed < LISTED:
                column = "bank" if says[0].startswith("unknown") else "paid_in"
                found.add(source.place(first + int(i), column), *says)
                listed += 1
            else:
                more += 1
    if more:
        found.add(source.name, f"and {more:,} more outside their relation", "")
