"""Accounts from files: the four-accounts table, a county's own series, or 收支平衡表 as printed.

A printed table may stand side by side or below each other, on one sheet or on one for each
side, with or without codes, with one column of amounts or several versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.budget.account import SIDE_OF, known_line
from fiscalmodel.budget.budgets import COLUMNS, FourBudgets, close_budgets
from fiscalmodel.checks.facts import label
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.tables.forms import about
from fiscalmodel.tables.readers import read_workbook
from fiscalmodel.tables.records import Records, Row, TableLike, read_records
from fiscalmodel.tables.table import Table
from fiscalmodel.units import convert, money_unit
from fiscalmodel.words import headers_in, official

#: Beginning of a form's key -> budget.
_FORMS = {
    "general_public_budget": "general", "government_fund": "fund",
    "state_capital": "state_capital", "social_insurance": "social_insurance",
}  # fmt: skip
_NO_AMOUNT = re.compile(r"%|％|增长|增减|完成|比重|占比|差额|比上年|备注")


def read_accounts(
    source: TableLike,
    *,
    budget: str | None = None,
    level: str | None = None,
    year: int | None = None,
    version: str | None = None,
    region: str | None = None,
    unit: str | None = None,
) -> FourBudgets:
    """Accounts of the four budgets from a table, and whether they close.

    Parameters
    ----------
    source
        The four-accounts table (``budget, level, year, version, item, amount_wan`` …) as a
        frame, file or sheet; a table of series (``budget_scope, indicator, period, value``); or
        a file with 收支平衡表 as they are printed, every sheet of it.
    budget, level, year, version
        What a printed table does not say of itself (``general``, ``whole`` and so on); where it
        does, its own words count.
    region
        Region of a table that holds several.
    unit
        Unit of the amounts where the table states none.

    Returns
    -------
    FourBudgets
        Nothing is mended: what does not tie stands in ``.found``.

    Raises
    ------
    InputError
        With every problem, each with its place.
    """
    asked = {"budget": _scope_code(budget), "level": level, "year": year, "version": version}
    records = _tidy(source, unit)
    if records is not None:
        return close_budgets(_from_records(records, asked, region))
    path = source["file"] if isinstance(source, Mapping) else source
    sheet = source.get("sheet") if isinstance(source, Mapping) else None
    if not isinstance(path, str | Path):
        raise InputError("accounts", "budget.no_column", name="item", needed=list(COLUMNS))
    tables = [t for t in read_workbook(path, unit=unit) if sheet in (None, t.sheet)]
    rows, found = list[dict[str, Any]](), Collector()
    for table in tables:
        rows += _printed(table, asked, unit, found)
    found.raise_if_any()
    if not rows:
        raise InputError(Path(path).name, "budget.no_accounts")
    return close_budgets(_once(pd.DataFrame(rows, columns=list(COLUMNS)), found))


def _scope_code(budget: str | None) -> str | None:
    if budget is None:
        return None
    code = official("budget_scope", budget)
    if code is None:
        raise InputError("budget", "budget.unknown_scope", text=budget)
    return code


# ---- tables of lines ----


def _tidy(source: TableLike, unit: str | None) -> Records | None:
    """The source as a table of lines; None if it is a printed account."""
    for more in ({}, {"item": ("indicator",)}):
        try:
            headers = {**headers_in("accounts"), **more}
            records = read_records(source, name="accounts", columns=headers, unit=unit)
        except InputError:
            if isinstance(source, pd.DataFrame):
                raise
            return None  # several sheets look alike: printed tables
        if records.has("item") and records.has("budget"):
            return records
    return None


def _from_records(records: Records, asked: Mapping[str, Any], region: str | None) -> pd.DataFrame:
    rows = list[dict[str, Any]]()
    records.need("item", "amount_wan")
    for row in records:
        if region is not None and row.text("region") not in ("", region):
            continue
        if row.blank("amount_wan"):
            continue  # printed but not filled in: no such money, or not given
        budget: Any = asked["budget"] or row.word("budget", "budget_scope")
        line = known_line(row.text("item"), budget or "general") or row.text("item")
        rows.append(
            {
                "budget": budget,
                "level": _word(row, "level", "government_level", asked["level"] or "whole"),
                "year": asked["year"] or row.year("year"),
                "version": _word(row, "version", "version", asked["version"] or "final_account"),
                "item_code": row.text("item_code"),
                "item": line,
                "amount_wan": _amount(row),
                "restricted": row.text("restricted"),
                "counterpart": _counterpart(row.text("counterpart")),
                "source": row.text("source") or row.where("amount_wan"),
            }
        )
    records.done()
    return _by_form(pd.DataFrame(rows, columns=list(COLUMNS)))


def _by_form(lines: pd.DataFrame) -> pd.DataFrame:
    """Items that only their form of words tells, where the account has no such line by name.

    Several of one kind are one line: 新增一般债券收入 and 再融资一般债券收入.
    """
    made, gone = lines.copy(), list[Any]()
    for key, group in lines.groupby(["level", "year", "version", "budget"], sort=False):
        first: dict[str, Any] = {}
        for at, name, amount in zip(group.index, group["item"], group["amount_wan"], strict=True):
            line = None if name in SIDE_OF else _line(str(name), "", key[-1])
            if line is None or line in set(group["item"]):
                continue
            if line in first:
                made.loc[first[line], "amount_wan"] += amount
                gone.append(at)
            else:
                first[line] = at
                made.loc[at, "item"] = line
    return made.drop(index=gone).reset_index(drop=True)


def _word(row: Row, column: str, group: str, default: str) -> str:
    return default if row.blank(column) else row.word(column, group)


def _amount(row: Row) -> float:
    """An amount in 万元; the unit of a table of series stands in each row."""
    if row.blank("unit"):
        return row.wan("amount_wan")
    return float(convert(row.number("amount_wan"), money_unit(row.text("unit")), "万元"))


def _counterpart(text: str) -> str:
    return official("budget_scope", text) or text if text else ""


# ---- printed accounts ----


def _printed(
    table: Table, asked: Mapping[str, Any], unit: str | None, found: Collector
) -> Iterator[dict[str, Any]]:
    """The lines of one printed table, one for each column of amounts."""
    told = table.about
    budget = next((b for form, b in _FORMS.items() if told.form.startswith(form)), None)
    names = [str(text) for text in table.labels]
    scope: Any = budget or asked["budget"] or "general"
    codes = list(table.codes)
    lines = _lines(names, codes, scope)
    if sum(line is not None for line in lines) < (1 if budget else 2) or (told.form and not budget):
        return
    for column in table.numbers:
        if _NO_AMOUNT.search(column) or table.units.get(column) == "%":
            continue
        own = about([column], "")
        year = own.year or told.year or asked["year"]
        version = own.version or asked["version"] or told.version or "final_account"
        amount_unit = table.unit_of(column) or unit
        if year is None:
            found.add(table.place, "budget.no_year")
            return
        if not amount_unit:
            found.add(table.place, "tables.unit_unstated", name=column)
            return
        for at, value in enumerate(table.frame[column]):
            if value != value:
                continue
            yield {
                "budget": scope,
                "level": told.level or asked["level"] or "whole",
                "year": year,
                "version": version,
                "side": "",
                "item_code": codes[at],
                "item": lines[at] or label(names[at]).core,
                "amount_wan": float(convert(value, money_unit(amount_unit), "万元")),
                "restricted": "",
                "counterpart": "",
                "source": table.where(table.frame.index[at], column),
            }


#: Codes of the 政府收支分类科目 and forms of words that tell a line which no word list holds.
_CODES: Mapping[str, str] = {
    "11001": "tax_rebates", "11002": "general_transfers", "11003": "special_transfers",
    "11004": "transfers_from_above", "11006": "remitted_from_below",
    "11008": "opening_carry_over", "11009": "transfers_in", "11011": "bond_proceeds",
    "11015": "stabilisation_fund_drawn", "11021": "interregional_in", "23006": "remitted_up",
    "23008": "transfers_out", "23009": "carry_over", "23011": "bonds_on_lent",
    "23015": "stabilisation_fund_filled", "23016": "working_capital_added",
    "23021": "interregional_out", "231": "principal_repaid",
}  # fmt: skip
_FORMS_OF_WORDS = (
    (re.compile(r"^上年.*(?:结转|结余)"), "opening_carry_over"),
    (re.compile(r"(?:动用|调入).*稳定调节基金"), "stabilisation_fund_drawn"),
    (re.compile(r"(?:安排|补充).*稳定调节基金"), "stabilisation_fund_filled"),
    (re.compile(r"结转下年|^年[终末].*结[余转]$"), "carry_over"),
    (re.compile(r"债[务券](?:转贷)?收入$"), "bond_proceeds"),
    (re.compile(r"债[务券]转贷支出$"), "bonds_on_lent"),
    (re.compile(r"债[务券].*还本(?:支出)?$"), "principal_repaid"),
)
_OWN_NAME: Mapping[str, re.Pattern[str]] = {
    "general": re.compile(r"^(?:一般公共|公共财政)预算"),
    "fund": re.compile(r"^政府性基金(?:预算)?"),
    "state_capital": re.compile(r"^国有资本经营(?:预算)?"),
    "social_insurance": re.compile(r"^社会保险基金(?:预算)?"),
}
_FROM = re.compile(r"^从?(?P<budget>政府性基金|国有资本经营|一般公共预算|其他资金).*调入")


def _line(name: str, code: str, scope: Any) -> str | None:
    """The line of a label, else of its code or its form of words; None for an item."""
    core = label(name).core
    bare = _OWN_NAME[scope].sub("", core)  # 国有资本经营预算调出资金 on its own table
    own = known_line(name, scope) or known_line(core, scope) or known_line(bare, scope)
    own = own or _CODES.get(code)
    if own or len(code) > 5 or label(name).of_which:
        return own
    return next((line for form, line in _FORMS_OF_WORDS if form.search(core)), None)


def _lines(names: list[str], codes: list[str], scope: Any) -> list[str | None]:
    """The line of each label; 收入合计 is the year's own revenue in a table without another."""
    lines = [_line(name, code, scope) for name, code in zip(names, codes, strict=True)]
    for total, line in (("total_resources", "revenue"), ("total_uses", "expenditure")):
        if line not in lines:
            lines = [
                line if found == total and "总" not in name else found
                for found, name in zip(lines, names, strict=True)
            ]
    return lines


def _once(lines: pd.DataFrame, found: Collector) -> pd.DataFrame:
    """A line that several sheets print with the same amount counts once."""
    key = ["level", "year", "version", "budget", "item", "item_code"]
    same = lines.drop_duplicates([*key, "amount_wan"])
    told = same[same["item"].isin(SIDE_OF)]
    # A line and its only subline, by the same name under another code, say the same.
    told = told.drop_duplicates([*key[:-1], "amount_wan"]).copy()
    for _, rows in told[told.duplicated(key[:-1], keep=False)].groupby(key[:-1]):
        total, largest = rows["amount_wan"].sum(), rows["amount_wan"].max()
        sheets = set(rows["source"].str.rpartition("!")[0])
        if abs(total - 2 * largest) <= 0.5:
            keep = rows["amount_wan"].idxmax()  # a line and the parts that it consists of
        elif len(sheets) == 1:
            keep = rows.index[0]  # one kind of money on several lines: 新增债券, 再融资债券
            told.loc[keep, "amount_wan"] = total
        else:
            amounts = [f"{a:,.2f}" for a in rows["amount_wan"]]
            found.add("; ".join(rows["source"]), "budget.two_amounts", amounts=amounts)
            continue
        told = told.drop(index=[at for at in rows.index if at != keep])
    found.raise_if_any()
    details = same[~same["item"].isin(SIDE_OF)]
    return _by_origin(pd.concat([told, details]).sort_index().reset_index(drop=True))


def _by_origin(lines: pd.DataFrame) -> pd.DataFrame:
    """调入资金 by where it comes from, where the lines below it say so and add up to it."""
    taken = list[Any]()
    made = lines.copy()
    for _, group in lines.groupby(["level", "year", "version", "budget"], sort=False):
        whole = group[group["item"].eq("transfers_in")]
        found = {at: m for at, name in group["item"].items() if (m := _FROM.search(str(name)))}
        if len(whole) != 1 or not found:
            continue
        if abs(group.loc[list(found), "amount_wan"].sum() - whole["amount_wan"].iloc[0]) > 0.5:
            continue
        taken.append(whole.index[0])
        for at, match in found.items():
            made.loc[at, "counterpart"] = official("budget_scope", match["budget"]) or match[0]
            made.loc[at, "item"] = "transfers_in"
    return made.drop(index=taken).reset_index(drop=True)
