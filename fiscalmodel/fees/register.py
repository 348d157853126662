"""Every receipt once, every refund on its receipt: the register held in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.columns import is_blank
from fiscalmodel.fees.encode import EXCLUDED, LISTED, Batch
from fiscalmodel.fees.refunds import NOTHING, Place, Resolved, judge


class Register(Protocol):
    """Takes batches; in the end finds doubled identifiers and resolves refunds."""

    def add(self, batch: Batch) -> None: ...

    def finish(self, found: Collector, place: Place) -> Resolved: ...


def identifiers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Identifiers as whole numbers where the column is numeric, else as text."""
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return column
    if pd.api.types.is_float_dtype(column.dtype) and not column.isna().any():
        whole = column.to_numpy(np.float64)
        if (whole == np.rint(whole)).all():
            return pd.Series(whole.astype(np.int64), index=column.index)
    if isinstance(column.dtype, pd.StringDtype):
        return column.str.strip()
    return column.map(_text).astype("str")


def _text(value: Any) -> str | None:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def refund_table(batch: Batch) -> pd.DataFrame:
    """The refunds of a batch, as `refunds.judge` wants them."""
    rows = batch.refund_rows
    return pd.DataFrame({
        "row": batch.first + rows, "bank": batch.bank[rows], "kind": batch.kind[rows],
        "account": batch.account[rows], "day": batch.day[rows], "fen": batch.fen[rows],
    })  # fmt: skip


def say_doubled(found: Collector, place: Place, name: object, row: int, first: int) -> None:
    """Report an identifier that stands twice."""
    found.add(
        place(row, "receipt_id"),
        f"receipt {name} stands twice (first at {place(first, 'receipt_id')})",
        "exclude one of the two with a reason",
    )


@dataclass
class MemoryRegister:
    """Keeps some 17 bytes a row, and the identifiers unless the `whole` column is at hand."""

    whole: pd.Series[Any] | None = None
    ids: list[pd.Series[Any]] = field(default_factory=list)
    parts: list[tuple[npt.NDArray[Any], ...]] = field(default_factory=list)
    refunds: list[pd.DataFrame] = field(default_factory=list)
    marks: list[pd.Series[Any]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Remember a batch."""
        if self.whole is None:
            self.ids.append(batch.frame["receipt_id"])
        counts_on = batch.day
        if batch.cleared is not None:
            counts_on = np.maximum(batch.day, batch.cleared)
        self.parts.append((batch.line, batch.day, counts_on, batch.fen, batch.status))
        if len(batch.refund_rows):
            self.refunds.append(refund_table(batch))
            self.marks.append(batch.frame["refund_of"].iloc[batch.refund_rows])

    def finish(self, found: Collector, place: Place) -> Resolved:
        """Doubled and missing identifiers go to `found`; refunds are resolved."""
        whole = pd.concat(self.ids, ignore_index=True) if self.whole is None else self.whole
        ids = identifiers(whole)
        self.ids = []
        status = np.concatenate([part[-1] for part in self.parts])
        rising = _rises(ids)
        if not rising:
            _check(ids, status, found, place)
        if not self.refunds:
            return NOTHING
        table = pd.concat(self.refunds, ignore_index=True)
        marks = identifiers(pd.concat(self.marks, ignore_index=True))
        wanted = _like(marks, ids)
        row = _search(ids, wanted) if rising else _look_up(ids, wanted, status)
        table["at"] = row
        columns = ("at_line", "at_day", "at_counts_on", "at_fen", "at_status")
        for j, column in enumerate(columns):
            table[column] = self._pick(j, row)
        rows = table["row"].to_numpy()
        return judge(table, found, place, lambda r: str(marks.iloc[int(np.searchsorted(rows, r))]))

    def _pick(self, column: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """One column at some rows; the value of the last row where there is none (-1)."""
        starts = np.cumsum([0, *(len(part[-1]) for part in self.parts)])
        whole = np.where(rows < 0, starts[-1] - 1, rows)
        result = np.empty(len(rows), self.parts[0][column].dtype)
        which = np.searchsorted(starts, whole, side="right") - 1
        for i, part in enumerate(self.parts):
            mine = which == i
            result[mine] = part[column][whole[mine] - starts[i]]
        return result


def _like(wanted: pd.Series[Any], ids: pd.Series[Any]) -> pd.Series[Any]:
    """Refund marks in the type of the identifiers."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return wanted.astype("str")
    if pd.api.types.is_integer_dtype(wanted.dtype):
        return wanted
    number = pd.to_numeric(wanted, errors="coerce")
    return number.where(number == np.rint(number)).fillna(-(2**53)).astype(np.int64)


def _rises(ids: pd.Series[Any]) -> bool:
    """Whether identifiers are whole numbers that strictly rise: none blank, none twice."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return False
    values = ids.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _search(ids: pd.Series[Any], wanted: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Rows of identifiers in rising whole numbers; -1 where there is none."""
    values, targets = ids.to_numpy(), wanted.to_numpy()
    # In rising order the search walks through memory once.
    order = np.argsort(targets)
    row = np.empty(len(targets), np.int64)
    row[order] = np.minimum(np.searchsorted(values, targets[order]), len(values) - 1)
    return np.where(values[row] == targets, row, -1)


def _look_up(
    ids: pd.Series[Any], wanted: pd.Series[Any], status: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Rows of identifiers in any order; -1 where there is none."""
    near = np.flatnonzero(ids.isin(wanted).to_numpy())
    # Where an identifier stands twice, the row that counts is the receipt.
    near = near[np.argsort(status[near] == EXCLUDED, kind="stable")]
    first = pd.DataFrame({"id": ids.iloc[near].to_numpy(), "at": near}).drop_duplicates("id")
    at = pd.Series(first["at"].to_numpy(), index=pd.Index(first["id"])).reindex(wanted.to_numpy())
    return at.fillna(-1).to_numpy(np.int64)


def _check(ids: pd.Series[Any], status: npt.NDArray[Any], found: Collector, place: Place) -> None:
    """Blank identifiers, and those that stand twice among the rows that count."""
    counted = status != EXCLUDED
    blank = is_blank(ids)
    for i in np.flatnonzero(blank & counted)[:LISTED]:
        found.add(place(int(i), "receipt_id"), "receipt_id is missing", "")
    rows = np.flatnonzero(counted & ~blank)
    mine = ids if len(rows) == len(ids) else ids.iloc[rows]
    again = rows[mine.duplicated().to_numpy()][:LISTED]
    if not len(again):
        return
    names = ids.iloc[again]
    hits = rows[mine.isin(names).to_numpy()]
    firsts = pd.Series(hits, index=pd.Index(ids.iloc[hits])).groupby(level=0).first()
    for i, name in zip(again, names, strict=True):
        say_doubled(found, place, name, int(i), int(firsts[name]))
