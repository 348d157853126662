"""What a published series is: values with unit, coverage, calibre, version, kind, source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from fiscalmodel.errors import InputError

Coverage = Literal["gross", "local", ""]
Calibre = Literal["as_published", "like_for_like", "refund_adjusted", ""]
Version = Literal["initial_budget", "adjusted_budget", "execution", "final_account", ""]
Kind = Literal["actual", "estimate", "budget", "target"]


@dataclass(frozen=True)
class CellRef:
    """The cell a value came from."""

    file: str
    sheet: str = ""
    cell: str = ""

    def __str__(self) -> str:
        place = f"{self.sheet}!{self.cell}" if self.sheet and self.cell else self.sheet or self.cell
        return f"{self.file}[{place}]" if place else self.file


@dataclass(frozen=True)
class Series:
    """One published series.

    Attributes
    ----------
    series_id
        Name in the catalogue, or made from file and column.
    values
        Float on a `PeriodIndex`, sorted, missing as NaN. Money is 万元.
    unit
        Unit of `values`: 万元 for money, else as published (``%``, 个 ...).
    kinds
        Kind of each value (actual, estimate, budget, target), same index.
    coverage
        ``gross`` 大口径 or ``local`` 地方.
    calibre
        ``as_published`` 自然口径, ``like_for_like`` 同口径, ``refund_adjusted``.
    version
        ``initial_budget`` 年初预算, ``adjusted_budget`` 调整预算, ``execution``
        执行数, ``final_account`` 决算数.
    sources
        Source of each value, same index.
    cells
        Period -> cell that the value was read from.
    notes
        What was guessed safely, and what a reader should know.
    """

    series_id: str
    values: pd.Series[float]
    unit: str = "万元"
    region: str = ""
    indicator: str = ""
    budget_scope: str = ""
    coverage: Coverage = ""
    calibre: Calibre = "as_published"
    version: Version = ""
    kinds: pd.Series[str] | None = None
    sources: pd.Series[str] | None = None
    cells: Mapping[pd.Period, CellRef] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def actuals(self) -> Series:
        """The same series without estimates, budgets and targets."""
        if self.kinds is None:
            return self
        keep = self.kinds.eq("actual")
        return replace(
            self,
            values=self.values[keep],
            kinds=self.kinds[keep],
            sources=None if self.sources is None else self.sources[keep],
        )

    def source_of(self, period: str | pd.Period) -> str:
        """File, sheet and cell (or the cited source) of one value."""
        key = pd.Period(period, freq=self.values.index.freqstr)  # type: ignore[attr-defined]
        if key in self.cells:
            return str(self.cells[key])
        if self.sources is not None and key in self.sources.index:
            return str(self.sources.to_numpy()[self.sources.index.get_loc(key)])
        raise InputError(self.series_id, f"no value for {period}", "see .values.index")

    def __len__(self) -> int:
        return len(self.values)
