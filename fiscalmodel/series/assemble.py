"""Rows of the data package to a `Series`: exact scaling, kinds, sources, notes."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.datapackage import Resource
from fiscalmodel.series.types import Series
from fiscalmodel.units import FEN_PER

#: Figures under this flag are something else than their series, and load as missing.
_NOT_THE_SERIES = {"other_concept", "copy"}
#: A period with several kinds: the firmest counts.
_FIRMEST = ("actual", "estimate", "budget", "target")
_SPAN_NOTE = "累计数（年初至当月） year to date, cumulative; use to_months for single months"


def assemble(name: str, rows: pd.DataFrame, table: Resource, *, one_calibre: bool = True) -> Series:
    """One series from the rows of a table as text.

    Parameters
    ----------
    name
        Its name.
    rows
        Rows of `table` as text, indexed by their place in the file.
    one_calibre
        Whether a mixture of calibres or coverages is an error.

    Raises
    ------
    InputError
        With the line, for a bad figure or period, or for a mixture.
    """
    found: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    problems = Collector()
    lines: dict[tuple[pd.Period, str], Any] = {}
    for line, row in rows.iterrows():
        where = f"{table.shown}:{line}"
        try:
            period = _period(row["period"], f"{where}, {name}")
            value, unit = printed_value(row["value"], row["unit"], where)
        except InputError as error:
            problems.extend(error)
            continue
        flag = row.get("scope_flag", "")
        if flag:
            notes[f"{row['period']}: {row['note']}"] = None
        if flag in _NOT_THE_SERIES:
            notes[f"{row['period']}: {row['printed']} 不予采用 not loaded"] = None
            value = float("nan")
        first = lines.setdefault((period, row["kind"]), line)
        if first != line:
            problems.add(
                f"{where}, period",
                f"{name} has {row['period']} ({row['kind']}) twice, first on line {first}",
                "keep one row a period and kind",
            )
        found.append(
            {
                "period": period,
                "value": value,
                "unit": unit,
                "kind": row["kind"],
                "source": f"{row['source']} [{where}]",
                "rank": _FIRMEST.index(row["kind"]) if row["kind"] in _FIRMEST else 9,
            }
        )
    problems.raise_if_any()
    frame = pd.DataFrame(found).sort_values(["period", "rank"], kind="stable")
    for column in ("unit", *(("calibre", "coverage") if one_calibre else ())):
        cells = frame["unit"] if column == "unit" else rows.get(column, pd.Series(dtype=str))
        if len(cells.unique()) > 1:
            mixed = " and ".join(map(repr, cells.unique()))
            raise InputError(f"{table.shown}, {name}", f"mixes {column}s {mixed}", "split it")
    for period in frame["period"][frame["period"].duplicated()].unique():
        kinds = frame["kind"][frame["period"].eq(period)].tolist()
        notes[f"{period}: {kinds[0]} 取代 replaces {', '.join(kinds[1:])}"] = None
    frame = frame.drop_duplicates("period")
    if table.synthetic:
        notes["合成样本 synthetic sample county"] = None
    if "span" in rows and rows["span"].eq("year_to_date").any():
        notes[_SPAN_NOTE] = None
    index = pd.PeriodIndex(frame["period"].tolist(), name="period")
    first = rows.iloc[0]
    return Series(
        series_id=name,
        values=pd.Series(frame["value"].to_numpy(dtype=float), index=index, name=name),
        unit=str(frame["unit"].iloc[0]),
        region=first["region"],
        indicator=first.get("indicator_zh", ""),
        budget_scope=first.get("budget_scope", ""),
        coverage=first.get("coverage", ""),
        calibre=_only(rows, "calibre", notes),
        version=_only(rows, "version", notes),
        kinds=pd.Series(frame["kind"].to_numpy(), index=index, name="kind"),
        sources=pd.Series(frame["source"].to_numpy(), index=index, name="source"),
        notes=tuple(notes),
    )


def _only(rows: pd.DataFrame, column: str, notes: dict[str, None]) -> Any:
    """The one value of a column, or "" with a note where it varies."""
    cells = [cell for cell in rows.get(column, pd.Series(dtype=str)).unique() if cell]
    if len(cells) > 1:
        notes[f"{column}: {', '.join(cells)}"] = None
    return cells[0] if len(cells) == 1 and rows[column].ne("").all() else ""


def printed_value(text: str, unit: str, where: str) -> tuple[float, str]:
    """A printed figure as float, money in 万元 by exact decimal arithmetic."""
    money = unit in FEN_PER
    if text == "":
        return float("nan"), "万元" if money else unit
    try:
        exact = Decimal(text)
        value = float(exact * FEN_PER[unit] / FEN_PER["万元"] if money else exact)
    except ArithmeticError:
        value = float("nan")
    if not isfinite(value):
        hint = "digits only; leave a missing value empty"
        raise InputError(f"{where}, value", f"{text!r} is not a number", hint)
    return value, "万元" if money else unit


def _period(text: str, where: str) -> pd.Period:
    if "/" in text:
        raise InputError(
            where, f"covers {text} as a whole and is no series", "read the table with catalog.read"
        )
    try:
        return pd.Period(text, freq="M" if "-" in text else "Y")
    except ValueError:
        raise InputError(where, f"{text!r} is not a period", "write 2024 or 2024-02") from None
