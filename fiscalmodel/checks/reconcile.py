"""Reconciliation of published tables: a table of checks, findings, never repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import pandas as pd

from fiscalmodel.checks import debt, forms, rates, rows, sums, targets, totals
from fiscalmodel.checks.claims import Check, Judged, judge
from fiscalmodel.checks.reading import book_of
from fiscalmodel.display import ORANGE, RED, SKY, Chart, Result, figure, legend, stack
from fiscalmodel.errors import InputError
from fiscalmodel.findings import SEVERITIES, Finding, ranked, to_frame
from fiscalmodel.paths import inside, project_root
from fiscalmodel.tables.table import Table
from fiscalmodel.words import Text, language, say

#: Every check, in the order in which findings of equal weight are listed.
CHECKS: tuple[Check, ...] = (
    *sums.CHECKS,
    *forms.CHECKS,
    *rates.CHECKS,
    *debt.CHECKS,
    *targets.CHECKS,
    *rows.CHECKS,
    *totals.CHECKS,
)

#: Names that findings may bear.
RULES = tuple(dict.fromkeys(name for check in CHECKS for name in check.rules))

Source = pd.DataFrame | Table | str | Path | Iterable[Any]


def rule_name(rule: str) -> Text:
    """What the findings of a rule are called.

    >>> rule_name("self_score").zh
    '自评分与执行率'
    """
    return say(f"checks.rule.{rule}")


@dataclass(frozen=True, eq=False, repr=False)
class Findings(Result, Sequence[Finding]):
    """What does not tie, with what was read and what ties: a list that shows itself.

    Attributes
    ----------
    items
        The findings, gravest first.
    """

    items: tuple[Finding, ...]
    _counts: Mapping[str, tuple[int, int]]
    _judged: Judged
    _source: Source

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.items == tuple(other)

    def __hash__(self) -> int:
        return hash(self.items)

    @cached_property
    def read(self) -> pd.DataFrame:
        """One row a file: `file, figures, missing`."""
        rows = [(name, *counted) for name, counted in sorted(self._counts.items())]
        return pd.DataFrame(rows, columns=["file", "figures", "missing"])

    @cached_property
    def tied(self) -> pd.DataFrame:
        """One row a rule: `rule, tied`, the checks that were made and tie."""
        rows = [(name, count) for name, count in self._judged.tied.most_common() if count]
        return pd.DataFrame(rows, columns=["rule", "tied"])

    @cached_property
    def sums(self) -> pd.DataFrame:
        """One row a total that ties to the last digit: `where, stated, unit, parts`."""
        rows = [(t.where, float(t.number), t.unit, parts) for t, parts in self._judged.sums]
        return pd.DataFrame(rows, columns=["where", "stated", "unit", "parts"])

    @property
    def table(self) -> pd.DataFrame:
        """One row a finding, in the columns of the design, in the language in force."""
        return to_frame(self.items)

    def named(self, severity: str | None = None, lang: str | None = None) -> pd.DataFrame:
        """The findings of one severity (or all) as a reader wants them.

        Returns
        -------
        DataFrame
            `no, severity, rule, cell, stated, computed, difference, unit, explanation`:
            the number in the list, the rule in words, the cell that states the figure.
        """
        kept = [(n, f) for n, f in enumerate(self.items, 1) if severity in (None, f.severity)]
        columns = ["no", "severity", "rule", "cell", "stated", "computed", "difference", "unit",
                   "explanation"]  # fmt: skip
        made = [
            (n, f.severity, rule_name(f.rule)(lang), str(f.cells[0]) if f.cells else f.where,
             f.stated, f.computed, f.difference, f.unit, f.text(lang))
            for n, f in kept
        ]  # fmt: skip
        table = pd.DataFrame(made, columns=columns)
        return table.astype(dict.fromkeys(("stated", "computed", "difference"), "float64"))

    @property
    def answer(self) -> Text:
        """How many figures were read, how many checks tie, how many do not."""
        number = Counter(f.severity for f in self.items)
        return say(
            "checks.answer",
            files=len(self.read),
            figures=int(self.read["figures"].sum()),
            tied=int(self.tied["tied"].sum()),
            count=len(self.items),
            **{severity: number[severity] for severity in SEVERITIES},
        )

    @property
    def short(self) -> pd.DataFrame | None:  # type: ignore[override]
        """The gravest findings in words; None without any."""
        return self.named().drop(columns=["no", "cell"]).head(12) if self.items else None

    def __repr__(self) -> str:
        return str(self.answer)

    def plot(self, lang: str | None = None) -> Chart:
        """Number of findings of each rule, the graver ones first."""
        counts = Counter((f.rule, f.severity) for f in self.items)
        table = pd.DataFrame(
            [[counts[rule, s] for s in SEVERITIES] for rule in RULES],
            index=list(RULES),
            columns=list(SEVERITIES),
        )
        table = table[table.sum(axis=1) > 0].sort_values(
            list(SEVERITIES), ascending=False, kind="stable"
        )
        made, axis, usable = figure(
            say("checks.chart.title"),
            lang,
            x=say("checks.chart.count"),
            size=(8.6, 1.4 + 0.34 * max(4, len(table))),
        )
        table.index = pd.Index([rule_name(rule)(usable) for rule in table.index])
        names: dict[str, Text | str] = {s: say(f"checks.severity.{s}") for s in SEVERITIES}
        colors: dict[str, str] = dict(zip(SEVERITIES, (RED, ORANGE, SKY), strict=True))
        stack(axis, table, names=names, colors=colors, digits=0, across=True, lang=usable)
        axis.xaxis.get_major_locator().set_params(integer=True)
        if len(table):
            legend(axis)
        return Chart(made, self.answer(lang))

    def ties(self, lang: str | None = None) -> pd.DataFrame:
        """`tied` with the rules in words."""
        return self.tied.assign(rule=[rule_name(r)(lang) for r in self.tied["rule"]])

    def workbook(self, lang: str | None = None) -> bytes:
        """A copy of what was checked as xlsx, with a comment on every cell that a finding names.

        The first sheet lists the findings. Text stays text; nothing is repaired.
        """
        from fiscalmodel.checks.workbook import annotated

        return annotated(self._source, self.items, lang or language())

    def save(self, path: str | Path, lang: str | None = None) -> str:
        """Write the workbook inside the project; returns where it stands.

        Raises
        ------
        InputError
            If the path leaves the project, or is no ``.xlsx``.
        """
        if not str(path).endswith(".xlsx"):
            raise InputError("copy", "checks.not_xlsx", path=path)
        target = inside(project_root(), path, where="copy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.workbook(lang))
        return str(path)


def reconcile(
    table_or_folder: Source | None = None, *, only: Iterable[str] | None = None
) -> Findings:
    """Check published figures against each other.

    Parameters
    ----------
    table_or_folder
        A frame (one figure a row with the columns of `data/`, or a table as
        printed), a `Table`, a CSV or Excel file, a folder with such files, or
        a list of these; a path is looked for here, else in the project.
        Checked together, so that two tables of one publication are compared.
        By default the project's `data/`.
    only
        Names of the findings to look for (`Finding.rule`); all by default. A
        filter: every check is made, since what ties tells how exact a
        publication is.

    Returns
    -------
    Findings
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
    wanted = set(RULES if only is None else only)
    for name in sorted(wanted - set(RULES)):
        raise InputError("only", "checks.no_rule", name=name, names=", ".join(sorted(RULES)))
    source: Source = project_root() / "data" if table_or_folder is None else table_or_folder
    if not isinstance(source, (str, Path, pd.DataFrame, Table)) and isinstance(source, Iterable):
        source = list(source)
    book = book_of(source)
    judged = judge(book, CHECKS)
    figures = Counter(fact.cell.file for fact in book.facts if fact.figure is not None)
    missing = Counter(fact.cell.file for fact in book.facts if rows.is_missing(fact))
    files = {fact.cell.file for fact in book.facts}
    counts = {file: (figures[file], missing[file]) for file in files}
    kept = tuple(f for f in ranked(judged.findings) if f.rule in wanted)
    return Findings(kept, counts, judged, source)
