"""The catalogue: series by name from ``data/``, with unit, calibre, kind and source.

Money comes out in 万元, scaled exactly from the printed figure. Every value
keeps its kind (actual, estimate 预计, budget, target) and its source.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.series import datapackage
from fiscalmodel.series.assembly import read_series, rows_to_series
from fiscalmodel.series.datapackage import Resource
from fiscalmodel.series.types import Series

_FILES = (".csv", ".xlsx", ".xls", ".xlsm", ".ods", ".txt", ".tsv")


def load_series(
    name_or_path: str | Path,
    *,
    sheet: str | None = None,
    unit: str | None = None,
    column: str | None = None,
) -> Series:
    """One series, from the catalogue or from a published file.

    Parameters
    ----------
    name_or_path
        A name of `names`, e.g. ``jianghan.general_public_budget_revenue``, or
        the path of a CSV or Excel file.
    sheet, unit
        Sheet and unit of a file; not for catalogue names.
    column
        Column, row, indicator or ``series_id`` of a file with several series; by
        default 一般公共预算收入 where there is one, with a note.

    Returns
    -------
    Series
        Float values on a yearly or monthly `PeriodIndex`, money in 万元,
        missing as NaN; kinds and sources on the same index.

    Raises
    ------
    InputError
        For an unknown name (with the nearest one), a total over several years,
        or a series that mixes units, calibres or coverages.

    Examples
    --------
    >>> float(load_series("jianghan.general_public_budget_revenue").values["2015"])
    687400.0
    """
    name = str(name_or_path)
    table = None if isinstance(name_or_path, Path) else _index().get(name)
    if table is None:
        if _looks_like_path(name):
            return read_series(name_or_path, sheet=sheet, unit=unit, column=column)
        table = table_of(name)
    if sheet is not None or unit is not None or column is not None:
        raise InputError(name, "series.belong_to_files")

    def made() -> Series:
        rows = datapackage.read_text(table)
        return rows_to_series(name, rows[rows["series_id"].eq(name)], table)

    return datapackage.once(table.file, made, name).copy()


def names() -> list[str]:
    """Names of all series of the catalogue."""
    return sorted(_index())


def read(resource: str) -> pd.DataFrame:
    """A whole table of ``data/``, typed and checked by its schema.

    Parameters
    ----------
    resource
        Name in ``data/datapackage.json``, e.g. ``department_budget_2024``.

    Raises
    ------
    InputError
        For an unknown name, or with every cell that breaks the schema.
    """
    return datapackage.read_typed(datapackage.resource(resource))


def like_for_like_growth(name: str) -> Series | None:
    """Published like-for-like growth 同口径增速 of a series, in percent.

    Returns
    -------
    Series or None
        None where the source prints none.

    Raises
    ------
    InputError
        If the series is unknown.

    Examples
    --------
    >>> float(like_for_like_growth("jianghan.general_public_budget_revenue").values["2019"])
    -4.32
    """
    return published_growth(name, calibre="like_for_like")


def published_growth(name: str, *, calibre: str | None = None) -> Series | None:
    """Growth on the year before as printed, in percent; None where there is none.

    Parameters
    ----------
    name
        A series of the catalogue.
    calibre
        ``as_published``, ``like_for_like`` or ``refund_adjusted``; by default
        all printed rates (then the notes name the calibres).
    """
    if _looks_like_path(name) and name not in _index():
        return None  # a file brings levels only
    table_of(name)
    for table in datapackage.resources().values():
        if "of_series" not in table.columns():
            continue
        rows = datapackage.read_text(table)
        rows = rows[rows["of_series"].eq(name) & rows["measure"].eq("growth")]
        if calibre is not None:
            rows = rows[rows["calibre"].eq(calibre)]
        if len(rows):
            return rows_to_series(f"{name}.growth", rows, table, one_calibre=False)
    return None


def _looks_like_path(name: str) -> bool:
    return name.lower().endswith(_FILES) or "/" in name or "\\" in name


def table_of(name: str) -> Resource:
    """The table that a series of the catalogue stands in.

    Raises
    ------
    InputError
        If there is no such series.
    """
    known = _index()
    if name not in known:
        raise InputError("series", "series.unknown_series", did_you_mean(name, known), name=name)
    return known[name]


_indexes: dict[tuple[object, ...], dict[str, Resource]] = {}


def _index() -> dict[str, Resource]:
    """Series -> table; made again only when a file changed."""
    tables = [t for t in datapackage.resources().values() if "series_id" in t.columns()]
    stamp = tuple((table.file, datapackage.stamp(table)) for table in tables)
    if stamp not in _indexes:
        found: dict[str, Resource] = {}
        for table in tables:
            for name in datapackage.read_text(table)["series_id"].unique():
                if name in found:
                    other = found[name].shown
                    raise InputError(table.shown, "series.in_two_tables", name=name, other=other)
                found[name] = table
        _indexes.clear()
        _indexes[stamp] = found
    return _indexes[stamp]
