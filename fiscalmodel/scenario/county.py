"""A county from nothing: its region, one workbook with every sheet, a scenario that reads it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fiscalmodel.days import to_date
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root, safe_name
from fiscalmodel.scenario.books import Books, read_books
from fiscalmodel.scenario.load import read_regions
from fiscalmodel.series.templates import Sheet, write_sheets
from fiscalmodel.words import Text, say

#: Years of revenue that the workbook asks for, up to the newest.
PAST_YEARS = 10
#: Years that are planned where neither the caller nor a workbook tells.
PLANNED = 3
#: Parts of a scenario that name their source.
_SOURCED = ("budgets", "medium_term", "guardrails", "special_bonds", "sanbao", "idle")
#: The last day that is known, where neither the caller nor a workbook tells.
AS_OF = "2025-12-31"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: Amounts of the balance that stand on the budget's sheet, in the order of the rows.
_BALANCE = (
    "transfers_wan", "other_resources_wan", "sanbao_need_wan", "statutory_debt_service_wan",
    "other_commitments_wan",
)  # fmt: skip
_TABLES = (
    ("debt", "ledger", "debt"), ("debt", "sources", "funding"), ("debt", "quotas", "quotas"),
    ("debt", "bonds", "bonds"), ("debt", "limits", "limits"), ("debt", "claims", "claims"),
    ("commissions", "receipts", "receipts"), ("commissions", "payments", "payments"),
    ("budgets", "accounts", "accounts"), ("medium_term", "lines", "plan_lines"),
    ("medium_term", "changes", "plan_changes"), ("medium_term", "flows", "plan_flows"),
    ("guardrails", "amounts", "guardrails"), ("special_bonds", "projects", "bond_projects"),
    ("special_bonds", "income", "bond_income"),
    ("sanbao", "months", "sanbao"), ("sanbao", "cash", "cash"), ("sanbao", "flows", "flows"),
    ("idle", "funds", "idle"), ("idle", "cuts", "cuts"),
)  # fmt: skip


@dataclass(frozen=True)
class County:
    """What `new_county` made: the region's key and the files, absolute.

    `said` tells what was taken from the bureau's own workbooks.
    """

    key: str
    workbook: Path
    scenario: Path
    root: Path
    said: tuple[Text, ...] = field(default=())

    def shown(self, file: Path) -> str:
        """A file from the project's folder."""
        return file.relative_to(self.root).as_posix()


def new_county(
    name: str,
    *,
    key: str | None = None,
    as_of: object = None,
    years: int | None = None,
    books: Sequence[str | Path] = (),
    level: str | None = None,
) -> County:
    """Set up a county: a region, ``data/KEY/NAME.xlsx`` and a baseline that points at its sheets.

    Parameters
    ----------
    name
        Its Chinese name, e.g. 云溪县.
    key
        What files and folders call it; by default the first free of ``county_1``, ``county_2`` …
    as_of
        The last day that is known; the workbook asks for ten years of revenue up to it.
        By default the end of the newest year that the workbooks give, else of 2025.
    years
        Years to plan for, from the year after, 1 to 40. By default those whose budget the
        workbooks give, else 3.
    books
        The bureau's own workbooks (budget book, ledger, lists …): what they give is filled in
        with its source.
    level
        Whether their figures of the whole area (全市, 全县) or of its own level (本级) are taken;
        needed where they give both.

    Returns
    -------
    County
        Sheets that stay empty count as not given (未提供), never as 0.

    Raises
    ------
    InputError
        If the name or key is taken or unusable, a workbook cannot be opened, or a file is there
        already; then nothing is made.
    """
    root = project_root()
    found, regions = Collector(), read_regions(root)
    name = safe_name(name, where="name")
    for other, region in regions.items():
        if name in (region.zh, other):
            raise InputError("name", "scenario.county_there", name=name, key=other)
    free = (f"county_{n}" for n in range(1, 10_000))
    key = key or next(k for k in free if k not in regions and not (root / "data" / k).exists())
    if not _KEY.fullmatch(key):
        raise InputError("key", "scenario.bad_key", key=key)
    if key in regions:
        raise InputError("key", "scenario.key_there", key=key, name=regions[key].zh)
    given = read_books(books, name, level, [region.zh for region in regions.values()])
    usual = f"{given.newest}-12-31" if given.newest else AS_OF
    last = to_date(usual if as_of is None else as_of, where="as_of")
    if years is None:
        years = given.ahead(last.year) or PLANNED
    if not 1 <= years <= 40:
        raise InputError("years", "scenario.bad_span", last=last.year + years)
    book = root / "data" / key / f"{name}.xlsx"
    scenario = root / "params" / "scenarios" / key / "baseline.yaml"
    for file in (book, scenario):
        if file.exists():
            found.add(file.relative_to(root).as_posix(), "ground.exists_already")
    listed = root / "params" / "regions.yaml"
    text = _with_region(listed.read_text(encoding="utf-8"), key, name)
    found.raise_if_any()
    said = given.told("revenue", range(last.year - PAST_YEARS + 1, last.year + 1))
    if books:
        said.append(say("scenario.from.span", first=last.year + 1, last=last.year + years))
    for item in ("expenditure", *_BALANCE):
        said += given.told(item, range(last.year + 1, last.year + years + 1))
    for file in (book, scenario):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_sheets(_sheets(name, last, years, given), book)
    package = root / "data" / "datapackage.json"
    if not package.exists():  # a folder of the bureau's own, without published tables
        package.write_text('{"name": "data", "resources": []}\n', encoding="utf-8")
    made = County(key, book, scenario, root, (*said, *given.said))
    scenario.write_text(_baseline(made, name, last, years), encoding="utf-8")
    part = listed.with_name(".regions.yaml.part")
    part.write_text(text, encoding="utf-8")
    part.replace(listed)
    return made


def _with_region(text: str, key: str, name: str) -> str:
    """The list of regions with one more line, everything else as it stands."""
    lines = text.rstrip().splitlines()
    if not lines or not re.match(r"\s+\S+:", lines[-1]):
        raise InputError("params/regions.yaml", "scenario.no_room")
    indent = lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())]
    return "\n".join([*lines, f'{indent}{key}: {{zh: "{name}", en: "{name}"}}']) + "\n"


def _sheet(kind: str) -> str:
    return say(f"scenario.sheet.{kind}").zh


def _row(name: str) -> str:
    return say(f"scenario.budget_row.{name}").zh


def _sheets(name: str, last: dt.date, years: int, books: Books) -> Mapping[str, Sheet]:
    """Every sheet of the workbook; those with a fixed set of rows have them written already."""
    newest = last.year
    under_way = newest + (last.month == 12)
    same = {"region": name, "budget_scope": "一般公共预算", "unit": "万元"}
    past = same | {"indicator": "一般公共预算收入", "kind": "actual", "coverage": "local",
                   "calibre": "as_published"}  # fmt: skip
    ahead = same | {"kind": "budget"}
    # January is published with February.
    months: list[Mapping[str, str | float]] = [
        past | {"period": f"{under_way}-{month:02d}"} for month in range(2, 13)
    ]
    rows: dict[str, list[Mapping[str, str | float]]] = {
        "revenue": [
            past | _figure(books, "revenue", newest - n, "final_account")
            for n in reversed(range(PAST_YEARS))
        ],
        "budget": [
            {
                **ahead,
                "indicator": _row(item),
                "note": say(f"scenario.budget_row_note.{item}").zh,
                **_figure(books, item, newest + n, "initial_budget"),
            }
            for item in ("expenditure", *_BALANCE)
            for n in range(1, years + 1)
        ],
        "monthly": [*months],
        "spending": [{**month, "indicator": "一般公共预算支出"} for month in months],
        **books.lists,  # type: ignore[dict-item]
    }
    kinds = ("revenue", "budget", "monthly", "spending", *(kind for *_, kind in _TABLES),
             "projects")  # fmt: skip
    return {
        _sheet(kind): Sheet("monthly" if kind == "spending" else kind, tuple(rows.get(kind, ())))
        for kind in kinds
    }


def _figure(books: Books, item: str, year: int, version: str) -> dict[str, str | float]:
    """Period, value, version and source of a row; only the period where no workbook has it."""
    point = books.series.get(item, {}).get(year)
    if point is None:
        return {"period": str(year), "version": version}
    told = {"kind": point.heading.kind, "version": point.heading.version or version}
    return {"period": str(year), "value": point.value, "source": point.where, **told}


def _baseline(made: County, name: str, last: dt.date, years: int) -> str:
    """The scenario's text."""
    file = made.shown(made.workbook)

    def at(kind: str, row: str = "") -> str:
        return f'{{file: "{file}", sheet: {_sheet(kind)}{row and f", row: {row}"}}}'

    budget = [f"  {item}: {at('budget', _row(item))}" for item in _BALANCE]
    lines = [
        "# yaml-language-server: $schema=../../schema/scenario.schema.json",
        f"# {name}基准情景：数据都在 {file}，一张工作表对应下面一处。",
        "# 没有填写的表按“未提供”处理，不按0处理。",
        "name: {zh: 基准情景, en: Baseline}",
        f"region: {made.key}",
        "# as_of 是数据截止日：填了月度收入或支出进度，就改为最后一个已知月份的月末，如 "
        f"{last.year + (last.month == 12)}-06-30。",
        f"as_of: {last.isoformat()}",
        f"years: {{first: {last.year + 1}, last: {last.year + years}}}",
        "revenue:",
        f"  series: {at('revenue', '一般公共预算收入')}",
        f"  nowcast: {{series: {at('monthly')}}}",
        "expenditure:",
        f"  amount_wan: {at('budget', _row('expenditure'))}",
        f"  progress: {{series: {at('spending')}}}",
        f"  source: {name}.xlsx {_sheet('budget')}",
        "balance:",
        *budget,
        f"  source: {name}.xlsx {_sheet('budget')}",
    ]
    part = ""
    for section, key, kind in _TABLES:
        lines += [f"{section}:"] if section != part else []
        if section in _SOURCED and section != part:
            lines.append(f"  source: {name}.xlsx {_sheet(kind)}")
        lines.append(f"  {key}: {at(kind)}")
        part = section
    # A pool needs the ceiling of each year, which no sheet can leave open.
    lines += ["# projects:", f"#   pool: {at('projects')}",
              f"#   ceiling_wan: {{{last.year + 1}: 0}}", f"#   source: {name}.xlsx"]  # fmt: skip
    return "\n".join(lines) + "\n"
