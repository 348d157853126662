"""The register of receipts for tables larger than memory: buckets on disk.

Each row leaves a record of fixed width under a 128-bit hash of its identifier,
in the bucket that the hash falls into; a refund is kept in the bucket of its
receipt. In the end one bucket at a time is held in memory.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.encode import EXCLUDED, LISTED, Batch
from fiscalmodel.fees.files import Source
from fiscalmodel.fees.refunds import NOTHING, REFUND_COLUMNS, Place, Resolved, judge
from fiscalmodel.fees.register import identifiers, refund_table, say_doubled

BUCKETS = 64
_RECEIPT = np.dtype([
    ("a", "<u8"), ("b", "<u8"), ("at", "<i8"), ("at_fen", "<i8"), ("at_line", "<i4"),
    ("at_day", "<i4"), ("at_counts_on", "<i4"), ("at_status", "i1"),
])  # fmt: skip
_REFUND = np.dtype([
    ("a", "<u8"), ("b", "<u8"), ("row", "<i8"), ("fen", "<i8"), ("bank", "<i4"), ("day", "<i4"),
    ("kind", "i1"), ("account", "i1"),
])  # fmt: skip
_KEYS = ("fiscalmodel-left", "fiscalmodel-rght")  # of 16 characters


def _hash(texts: pd.Series[Any]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Two independent 64-bit hashes of each text."""
    values = texts.to_numpy(dtype=object)
    a, b = (pd.util.hash_array(values, hash_key=key, categorize=False) for key in _KEYS)
    return np.asarray(a), np.asarray(b)


@dataclass
class SpillRegister:
    """Keeps some 45 bytes a row in a temporary folder, which goes with it."""

    source: Source
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fiscalmodel-")))
    refunds: int = 0

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, batch: Batch) -> None:
        """Write a batch to the buckets."""
        ids = identifiers(batch.frame["receipt_id"]).fillna("").astype("str")
        a, b = _hash(ids)
        record = np.empty(len(a), _RECEIPT)
        record["a"], record["b"] = a, b
        record["at"] = np.arange(batch.first, batch.first + len(a))
        record["at_fen"], record["at_line"], record["at_day"] = batch.fen, batch.line, batch.day
        record["at_status"] = batch.status
        on = batch.day if batch.cleared is None else np.maximum(batch.day, batch.cleared)
        record["at_counts_on"] = on
        self._write("receipts", record)
        if len(batch.refund_rows):
            table = refund_table(batch)
            marks = identifiers(batch.frame["refund_of"].iloc[batch.refund_rows])
            refund = np.empty(len(table), _REFUND)
            refund["a"], refund["b"] = _hash(marks.fillna("").astype("str"))
            for column in REFUND_COLUMNS:
                refund[column] = table[column]
            self._write("refunds", refund)
            self.refunds += len(table)

    def _write(self, name: str, record: npt.NDArray[Any]) -> None:
        bucket = (record["a"] % BUCKETS).astype(np.int64)
        order = np.argsort(bucket, kind="stable")
        ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS))
        for i, part in enumerate(np.split(record[order], ends[:-1])):
            if len(part):
                with (self.folder / f"{name}-{i}").open("ab") as file:
                    part.tofile(file)

    def _read(self, name: str, bucket: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        path = self.folder / f"{name}-{bucket}"
        return np.fromfile(path, dtype) if path.exists() else np.empty(0, dtype)

    def finish(self, found: Collector, place: Place) -> Resolved:
        """Doubled and missing identifiers go to `found`; refunds are resolved."""
        doubled: list[tuple[int, int]] = []
        tables: list[pd.DataFrame] = []
        blank = _hash(pd.Series([""], dtype="str"))[0][0]
        for bucket in range(BUCKETS):
            receipts = self._read("receipts", bucket, _RECEIPT)
            # Where an identifier stands twice, the row that counts comes first.
            out = receipts["at_status"] == EXCLUDED
            receipts = receipts[np.lexsort((receipts["at"], out, receipts["b"], receipts["a"]))]
            counted = receipts[receipts["at_status"] != EXCLUDED]
            for row in counted["at"][counted["a"] == blank][:LISTED]:
                found.add(place(int(row), "receipt_id"), "receipt_id is missing", "")
            doubled += _doubled(counted[counted["a"] != blank])
            refunds = self._read("refunds", bucket, _REFUND)
            if len(refunds):
                tables.append(_join(refunds, receipts))
        if doubled:
            names = _texts(self.source, "receipt_id", [row for row, _ in doubled])
            for row, first in sorted(doubled)[:LISTED]:
                say_doubled(found, place, names[row], row, first)
        if not tables:
            return NOTHING
        table = pd.concat(tables, ignore_index=True).sort_values("row", ignore_index=True)
        return judge(table, found, place, _Lazy(self.source, table["row"]))


def _doubled(receipts: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """(row, first row) of identifiers that stand twice, in receipts sorted by hash."""
    same = (receipts["a"][1:] == receipts["a"][:-1]) & (receipts["b"][1:] == receipts["b"][:-1])
    pairs: list[tuple[int, int]] = []
    for i in np.flatnonzero(same):
        first = int(receipts["at"][i])
        if pairs and pairs[-1][0] == first:
            first = pairs[-1][1]
        pairs.append((int(receipts["at"][i + 1]), first))
    return pairs


def _join(refunds: npt.NDArray[Any], receipts: npt.NDArray[Any]) -> pd.DataFrame:
    """Each refund beside the receipt of the same hash; `at` is -1 where there is none."""
    near = receipts[np.isin(receipts["a"], refunds["a"])]
    right = pd.DataFrame({name: near[name] for name in _RECEIPT.names or ()})
    left = pd.DataFrame({name: refunds[name] for name in _REFUND.names or ()})
    table = left.merge(right.drop_duplicates(["a", "b"]), on=["a", "b"], how="left")
    missing = {"at": -1, "at_fen": 0, "at_line": -1, "at_day": 0, "at_counts_on": 0}
    table = table.fillna({**missing, "at_status": EXCLUDED})
    whole = [*missing, "at_status"]
    table[whole] = table[whole].astype(np.int64)
    return table.drop(columns=["a", "b"])


def _texts(source: Source, column: str, rows: Iterable[int]) -> dict[int, str]:
    """Cells of some rows, read again."""
    wanted = np.unique(np.fromiter(rows, np.int64))
    texts: dict[int, str] = {}
    for first, frame in source.chunks():
        mine = wanted[(wanted >= first) & (wanted < first + len(frame))]
        if len(mine):
            cells = frame[column].iloc[mine - first]
            texts |= {int(row): str(cell) for row, cell in zip(mine, cells, strict=True)}
    return texts


@dataclass
class _Lazy:
    """Refund marks for messages: read again only once a message needs one."""

    source: Source
    rows: pd.Series[Any]
    texts: dict[int, str] | None = None

    def __call__(self, row: int) -> str:
        if self.texts is None:
            self.texts = _texts(self.source, "refund_of", self.rows)
        return self.texts.get(row, "")
