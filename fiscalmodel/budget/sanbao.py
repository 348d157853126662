"""The three guarantees 三保 by month: needed, arranged in the budget, paid.

保基本民生, 保工资, 保运转, each by national and by local standard; the national one comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import BLUE, GREEN, GREY, Chart, Found, bars, chart, named
from fiscalmodel.errors import InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import Row, TableLike, read_records
from fiscalmodel.words import Text, headers_in, language, official_name, say

PARTS = ("livelihood", "wages", "operation")
STANDARDS = ("national", "local")
#: Part and standard in the order of payment: what the state asks for, then what the place adds.
TIERS = tuple((part, standard) for standard in STANDARDS for part in PARTS)
#: Part -> how the columns of guardrails begin that hold its need and its budget.
GUARDED = {"all": "sanbao", **{part: part for part in PARTS}}
FEN = 1_000_000  # 分 in 万元
#: Columns of the table, and the headers beside those of ``labels.yaml``.


@dataclass(frozen=True, repr=False)
class SanbaoNeeds(Found):
    """Need, budget and payment of the three guarantees, 万元.

    Attributes
    ----------
    table
        ``period, sanbao_part, standard, need_wan, arranged_wan, settled_wan``, one row a
        month, part and standard; what is not known is missing.
    coverage
        ``year, sanbao_part, need_wan, arranged_wan, ratio_pct, threshold_pct, margin_wan,
        kept``: budget arranged against need, by part and in all.
    fen
        Need and payment in 分: ``(month, part, standard) -> (need, paid or None)``.
    found
        Parts whose budget does not cover the need.
    """

    table: pd.DataFrame
    coverage: pd.DataFrame
    fen: dict[tuple[pd.Period, str, str], tuple[int, int | None]]
    found: tuple[Finding, ...]

    @property
    def months(self) -> list[pd.Period]:
        """Months of the table, in order."""
        return sorted({month for month, _, _ in self.fen})

    @cached_property
    def by_year(self) -> pd.DataFrame:
        """Need and budget of whole years, in the columns of guardrails: all, and by part."""
        columns: dict[str, pd.Series[Any]] = {}
        years = self.table["period"].map(lambda month: month.year)
        whole = self.table.groupby(years)["period"].nunique().eq(12)
        for part, name in GUARDED.items():
            mine = self.table if part == "all" else self.table[self.table["sanbao_part"].eq(part)]
            sums = mine.groupby(years)[["need_wan", "arranged_wan"]].sum(min_count=1)
            blank = mine["arranged_wan"].isna().groupby(years).any()
            columns[f"{name}_need_wan"] = sums["need_wan"]
            columns[f"{name}_arranged_wan"] = sums["arranged_wan"].mask(blank)
        return pd.DataFrame(columns).reindex(whole.index[whole]).rename_axis("year")

    def against(self, stated: pd.DataFrame, origin: Text) -> list[Finding]:
        """Where another table states another need or budget of a whole year.

        `stated` has years as its index and any columns of `by_year`; each row of the months is
        rounded to two decimals.
        """
        known, found = self.by_year, list[Finding]()
        rows = self.table["period"].map(lambda month: month.year).value_counts().to_dict()
        for column in known.columns.intersection(stated.columns):
            part = next(p for p, name in GUARDED.items() if column.startswith(name))
            what = "need" if column.endswith("need_wan") else "arranged"
            for year, months in known[column].dropna().to_dict().items():
                other = float(stated[column].to_dict().get(year, float("nan")))
                if abs(other - months) > rows[year] * 0.005:
                    found.append(finding(
                        "sanbao_claims", f"{year} {part_name(part)}", stated=other, computed=months,
                        severity="warning", said=say(
                            "warning.other_claim", year=year, part=part_name(part),
                            what=say(f"warning.claim_{what}"), months=months, origin=origin,
                            stated=other, gap=other - months,
                        )))  # fmt: skip
        return found

    @property
    def answer(self) -> Text:
        """Whether the budget covers the need, and which part it misses."""
        need = float(self.table["need_wan"].sum())
        span = {"first": self.months[0], "last": self.months[-1], "need": need}
        if not len(self.coverage):
            return say("warning.need_only", **span)
        if self.coverage["kept"].all():
            return say("warning.arranged", **span)
        short = self.coverage[~self.coverage["kept"] & self.coverage["sanbao_part"].ne("all")]
        names = [part_name(part) for part in dict.fromkeys(short["sanbao_part"])]
        return say("warning.arranged_short", **span, names=names,
                   amount=-float(short["margin_wan"].sum()))  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """Coverage by part, or the need by part where no budget is given."""
        if len(self.coverage):
            return in_words(self.coverage)
        by_part = self.table.groupby("sanbao_part", sort=False)["need_wan"].sum().reset_index()
        return in_words(by_part)

    def plot(self, lang: str | None = None) -> Chart:
        """Need, budget and payment by part over all months."""
        lang = lang or language()
        columns = ["need_wan", "arranged_wan", "settled_wan"]
        sums = self.table.groupby("sanbao_part")[columns].sum(min_count=1).reindex(PARTS)
        sums.index = pd.Index([part_name(part)(lang) for part in sums.index])
        title = say("warning.chart_sanbao")
        return chart(bars, sums, title, self.answer, lang, largest=float(sums.max().max()),
                     colors=(GREY, BLUE, GREEN))  # fmt: skip


def part_name(code: str) -> Text:
    """A part of the three guarantees, or all of them, in both languages."""
    if code == "all":
        return say("warning.all_parts")
    return official_name("sanbao_part", code)


def in_words(frame: pd.DataFrame, lang: str | None = None) -> pd.DataFrame:
    """A copy with parts and standards by their official names."""
    made = named(frame, lang, standard="standard")
    if "sanbao_part" in made:
        made["sanbao_part"] = [part_name(code)(lang) for code in made["sanbao_part"]]
    return made


def sanbao_needs(table: TableLike, *, on: Any = None) -> SanbaoNeeds:
    """Read the need of the three guarantees by month and set the budget against it.

    Parameters
    ----------
    table
        ``period`` (月份), ``sanbao_part`` (保基本民生, 保工资, 保运转), ``standard`` (国家标准,
        地方标准), ``need_wan`` (what has to be paid in the month), ``arranged_wan`` (what the
        budget holds for it) and ``settled_wan`` (what was paid; blank ahead). A table without a
        column of standards is at the national one.
    on
        Day whose coverage floor applies; by default the last day of each year.

    Returns
    -------
    SanbaoNeeds
        The floor of coverage is ``sanbao_coverage_floor``, part by part.

    Raises
    ------
    InputError
        A month that stands twice for a part and standard, unknown words, missing or negative
        needs: all at once, by cell.

    Examples
    --------
    >>> rows = [{"period": "2026-01", "sanbao_part": "保工资", "need_wan": 10, "arranged_wan": 9}]
    >>> sanbao_needs(rows).coverage.loc[0, ["ratio_pct", "margin_wan"]].tolist()
    [90.0, -1.0]
    """
    records = read_records(table, name="sanbao", columns=headers_in("sanbao"))
    records.need("period", "sanbao_part", "need_wan")
    made: list[dict[str, Any]] = []
    fen: dict[tuple[pd.Period, str, str], tuple[int, int | None]] = {}
    first: dict[tuple[pd.Period, str, str], Row] = {}
    for row in records:
        month = month_of(row)
        part = row.word("sanbao_part", "sanbao_part")
        standard = row.word("standard", "standard", default="national")
        need = row.fen("need_wan", low=0)
        paid = None if row.blank("settled_wan") else row.fen("settled_wan", low=0)
        arranged = row.wan("arranged_wan", low=0, default=float("nan"))
        if month is None or not part or not standard:
            continue
        key = (month, part, standard)
        if key in first:
            row.report("period", "warning.month_twice", month=month, item=part_name(part),
                       at=first[key].where())  # fmt: skip
            continue
        first[key], fen[key] = row, (need, paid)
        made.append({
            "period": month, "sanbao_part": part, "standard": standard, "need_wan": need / FEN,
            "arranged_wan": arranged, "settled_wan": float("nan") if paid is None else paid / FEN,
        })  # fmt: skip
    records.done()
    if not made:
        raise InputError(records.place(), "warning.no_rows")
    frame = pd.DataFrame(made).sort_values("period", kind="stable", ignore_index=True)
    coverage = _coverage(frame, on)
    return SanbaoNeeds(frame, coverage, fen, tuple(_found(coverage)))


def month_of(row: Row) -> pd.Period | None:
    """The month of a row; a year or quarter is a problem."""
    found = row.period("period")
    if found is not None and found.freqstr != "M":
        row.report("period", "warning.not_a_month", text=found)
        return None
    return found


def _coverage(frame: pd.DataFrame, on: Any) -> pd.DataFrame:
    """Only years and parts whose budget is known in every month."""
    rows = []
    years = frame["period"].map(lambda month: month.year)
    for year, group in frame.groupby(years):
        floor = float(policy.value("sanbao_coverage_floor", on=on or f"{year}-12-31"))
        for part in (*PARTS, "all"):
            mine = group if part == "all" else group[group["sanbao_part"].eq(part)]
            if not len(mine) or mine["arranged_wan"].isna().any():
                continue
            need, arranged = mine["need_wan"].sum(), mine["arranged_wan"].sum()
            margin = arranged - need * floor / 100
            rows.append({
                "year": int(year), "sanbao_part": part, "need_wan": need,
                "arranged_wan": arranged,
                "ratio_pct": arranged / need * 100 if need else float("nan"),
                "threshold_pct": floor, "margin_wan": margin, "kept": bool(margin >= -1e-6),
            })  # fmt: skip
    columns = ["year", "sanbao_part", "need_wan", "arranged_wan", "ratio_pct", "threshold_pct",
               "margin_wan", "kept"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _found(coverage: pd.DataFrame) -> list[Finding]:
    return [
        finding(
            "sanbao_coverage", f"{row.year} {part_name(str(row.sanbao_part))}",
            stated=float(str(row.arranged_wan)), computed=float(str(row.need_wan)),
            said=say("warning.not_arranged"),
        )
        for row in coverage.itertuples()
        if not row.kept and row.sanbao_part != "all"
    ]  # fmt: skip
