"""Reconciliation of published tables: named rules, findings, never repairs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.series.findings import Finding, ranked, to_frame
from fiscalmodel.series.rules.book import Book
from fiscalmodel.series.rules.cells import is_missing
from fiscalmodel.series.rules.registry import RULES, Rule
from fiscalmodel.series.rules.sources import book_of
from fiscalmodel.tables.table import Table

__all__ = ["RULES", "Examination", "Finding", "examine", "reconcile", "rules", "to_frame"]

#: Modules that register rules, in the order in which they run.
_FAMILIES = (
    "sums",
    "amounts",
    "estimates",
    "growth",
    "mean_growth",
    "shares",
    "scores",
    "debt",
    "targets",
    "repeats",
    "cells",
    "wide_rules",
    "derived",
    "overlap",
)

Source = pd.DataFrame | Table | str | Path | Iterable[Any]


def rules() -> dict[str, Rule]:
    """Every rule by name, with what it checks and the names its findings bear.

    >>> rules()["self_score"].zh
    '自评分与执行率'
    """
    for family in _FAMILIES:
        importlib.import_module(f"fiscalmodel.series.rules.{family}")
    return RULES


def reconcile(
    table_or_folder: Source | None = None, *, only: Iterable[str] | None = None
) -> list[Finding]:
    """Check published figures against each other.

    Parameters
    ----------
    table_or_folder
        A frame (one figure a row with the columns of `data/`, or a table as
        printed), a `Table`, a CSV or Excel file, a folder with such files, or
        a list of these. Checked together, so that two tables of one
        publication are compared. By default the project's `data/`.
    only
        Names of the findings to look for (`Finding.rule`); all by default.

    Returns
    -------
    list of Finding
        Gravest first; empty if everything ties. Nothing is repaired.

    Raises
    ------
    InputError
        If a source cannot be read, or a rule is not known.

    Notes
    -----
    A printed figure stands for half a unit of its last digit on both sides. A
    stated figure ties if its interval meets the interval of what follows from
    the others; the tolerance of a finding is the sum of the half widths.

    Examples
    --------
    >>> table = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "万元": [70, 30, 110]})
    >>> [(f.rule, f.stated, f.computed) for f in reconcile(table)]
    [('sum_total', 110.0, 100.0)]
    """
    known = {name for each in rules().values() for name in each.finds}
    chosen = known if only is None else set(only)
    unknown = sorted(chosen - known)
    if unknown:
        raise InputError("only", f"no rule {unknown[0]!r}", f"rules: {', '.join(sorted(known))}")
    return check(book_of(_source(table_or_folder)), chosen)


@dataclass(frozen=True)
class Examination:
    """What a reconciliation read, what tied and what did not.

    Attributes
    ----------
    findings
        As :func:`reconcile` gives them.
    read
        One row a file: `file, figures, missing`.
    tied
        One row a rule: `rule, tied`, the checks that were made and tie.
    sums
        One row a total that ties to the last digit: `where, stated, unit, parts`.
    """

    findings: tuple[Finding, ...]
    read: pd.DataFrame
    tied: pd.DataFrame
    sums: pd.DataFrame


def examine(table_or_folder: Source | None = None) -> Examination:
    """Reconcile, and say what was read and what ties as well.

    Parameters
    ----------
    table_or_folder
        As for :func:`reconcile`.

    Raises
    ------
    InputError
        If a source cannot be read.
    """
    book = book_of(_source(table_or_folder))
    names = {name for each in rules().values() for name in each.finds}
    findings = tuple(check(book, names))
    files: dict[str, list[int]] = {}
    for fact in book.facts:
        counted = files.setdefault(fact.cell.file, [0, 0])
        if fact.figure is not None or is_missing(fact):
            counted[fact.figure is None] += 1
    return Examination(
        findings,
        pd.DataFrame(
            [(name, *counted) for name, counted in sorted(files.items())],
            columns=["file", "figures", "missing"],
        ),
        pd.DataFrame(
            [(name, count) for name, count in book.tied.most_common() if count],
            columns=["rule", "tied"],
        ),
        pd.DataFrame(
            [(total.where, float(total.number), total.unit, n) for total, n in book.sums],
            columns=["where", "stated", "unit", "parts"],
        ),
    )


def _source(table_or_folder: Source | None) -> Source:
    if table_or_folder is not None:
        return table_or_folder
    from fiscalmodel.paths import project_root

    return project_root() / "data"


def check(book: Book, names: Iterable[str]) -> list[Finding]:
    """Run the rules that can find what is named over a book; ranked."""
    wanted = set(names)
    found: dict[tuple[object, ...], Finding] = {}
    for each in rules().values():
        if wanted & set(each.finds):
            for finding in each.check(book):
                if finding.rule in wanted:
                    # The same sum may be known by its labels and by its place.
                    cells = frozenset(finding.cells) or finding.where
                    found.setdefault((finding.rule, finding.cells[:1], cells), finding)
    return ranked(found.values())
