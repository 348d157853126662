"""What a published series is: values with unit, coverage, calibre, version, kind, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import CellRef as CellRef
from fiscalmodel.words import Text, label, official_name

Coverage = Literal["gross", "local", ""]
Calibre = Literal["as_published", "like_for_like", "refund_adjusted", ""]
Version = Literal["initial_budget", "adjusted_budget", "execution", "final_account", ""]


@dataclass(frozen=True, eq=False)
class Series:
    """One published series.

    Sums, differences and ratios of series are taken period by period, and only of
    series of one unit, calibre, coverage and version: anything else is an error that
    names both. What is missing in one is missing in the result.

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
    notes: tuple[Text, ...] = ()

    def copy(self) -> Series:
        """The same series, whose values may be written over."""
        kinds = None if self.kinds is None else self.kinds.copy()
        sources = None if self.sources is None else self.sources.copy()
        return replace(self, values=self.values.copy(), kinds=kinds, sources=sources)

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
        raise InputError(self.series_id, "series.no_value", period=period)

    def __len__(self) -> int:
        return len(self.values)

    def __add__(self, other: Series) -> Series:
        """Sum, period by period."""
        return _combined(self, other, "+")

    def __sub__(self, other: Series) -> Series:
        """Difference, period by period."""
        return _combined(self, other, "-")

    def __mul__(self, factor: float) -> Series:
        """Times a plain number."""
        if isinstance(factor, Series):
            where = f"{self.series_id} × {factor.series_id}"
            raise InputError(where, "series.no_such_unit", first=self.unit, second=factor.unit)
        return replace(self, values=self.values * float(factor), cells={})

    __rmul__ = __mul__


#: What must agree in one operation.
_ALIKE = ("unit", "calibre", "coverage", "version")


def refuse_mixing(series: Sequence[Series], operation: str = "use of") -> None:
    """Refuse series that differ in unit, calibre, coverage, version or frequency.

    A coverage or version that is not stated agrees with any.

    Raises
    ------
    InputError
        All differences at once, each with both names and both words.
    """
    problems = Collector()
    first = series[0]
    for other in series[1:]:
        where = f"{operation} {first.series_id} and {other.series_id}"
        for name in _ALIKE:
            one, two = getattr(first, name), getattr(other, name)
            if one != two and ((one and two) or name in ("unit", "calibre")):
                problems.add(
                    where, "series.two_mixed", term=term(name), one=one or "—", two=two or "—",
                    first=first.series_id, second=other.series_id,
                )  # fmt: skip
        if _frequency(first) != _frequency(other):
            problems.add(
                where, "series.frequencies_mixed", one=_frequency(first), two=_frequency(other)
            )
    problems.raise_if_any()


def _combined(first: Series, second: Series, sign: str) -> Series:
    if not isinstance(second, Series):
        raise InputError(first.series_id, "series.bare_number", text=type(second).__name__)
    refuse_mixing((first, second), sign)
    one, two = first.values.align(second.values, join="outer")
    return replace(
        first,
        series_id=f"{first.series_id} {sign} {second.series_id}",
        values=one + two if sign == "+" else one - two,
        indicator="",
        kinds=None,
        sources=None,
        cells={},
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
    )


def term(name: str) -> Text:
    """A column's name within a sentence."""
    return Text(label(name, "zh"), label(name, "en").lower())


def _frequency(series: Series) -> Text:
    names = {"Y": "year", "Q": "quarter", "M": "month"}
    index = series.values.index
    freq = index.freqstr if isinstance(index, pd.PeriodIndex) else ""
    return official_name("frequency", names.get(freq[:1], freq))
