"""The official table of the general budget: income beside spending, each with its total."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from fiscalmodel.display import word
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.words import language, official_words, say

#: Lines of a scenario's balance by side; what is left for clearance is spent or kept.
_INCOME = ("revenue_wan", "transfers_wan", "other_resources_wan")
_NEEDS = ("sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan")
#: Which version of an account is shown: what became of the last years, the plan of the first.
_BEHIND = ("final_account", "execution", "adjusted_budget", "initial_budget")
_AHEAD = ("adjusted_budget", "initial_budget")

#: A line's name -> its amount in each column.
Side = Mapping[str, list[float]]


def balance_sheet(
    outcome: Outcome, lang: str | None = None, *, public: bool = False
) -> pd.DataFrame | None:
    """一般公共预算收支平衡表: 收入 | 支出, each with the last years' accounts and the budget.

    Of the accounts that a scenario gives, the widest level; else of its own balance by year.
    Both sides have the same total: what is carried over, or left for clearance, is a line of
    the right one (a surplus in a version for the public). None where neither has both sides.
    """
    lang = lang or language()
    if outcome.budgets is not None and (made := _of_accounts(outcome, lang)) is not None:
        return made
    return _of_balance(outcome, lang, "surplus_wan" if public else "available_wan")


def _of_accounts(outcome: Outcome, lang: str) -> pd.DataFrame | None:
    first = outcome.scenario.spec.years.first
    accounts = {key: made for key, made in outcome.budgets.accounts.items() if key[3] == "general"}
    level = "whole" if any(key[0] == "whole" for key in accounts) else "own"
    shown = {}
    for year in (first - 2, first - 1, first):
        for version in _AHEAD if year == first else _BEHIND:
            if (key := (level, year, version, "general")) in accounts:
                shown[say("present.sheet_column", year=year, name=word(version, lang))(lang)] = (
                    accounts[key]
                )
                break
    if not any(head.startswith(str(first)) for head in shown):
        return None
    names = official_words("account_line", lang)
    sides: dict[str, dict[str, list[float]]] = {"resource": {}, "use": {}}
    for at, made in enumerate(shown.values()):
        lines = made.table.to_dict("records")
        lines.append({"item": "carry_over", "side": "use", "amount_wan": made.carry_over_wan})
        for row in lines:
            amounts = sides[row["side"]].setdefault(row["item"], [math.nan] * len(shown))
            amounts[at] = row["amount_wan"]
    for lines_ in sides.values():  # in the official order
        ordered = {names[item]: lines_[item] for item in names if item in lines_}
        lines_.clear()
        lines_ |= ordered
    return _beside(sides["resource"], sides["use"], shown, lang)


def _of_balance(outcome: Outcome, lang: str, rest: str) -> pd.DataFrame | None:
    balance = outcome.balance
    if balance is None or "available_wan" not in balance:
        return None
    given = {name: balance[name].tolist() for name in balance if name in (*_INCOME, *_NEEDS)}
    left = (balance["available_wan"] - balance["shortfall_wan"]).tolist()
    income = {word(name, lang): given[name] for name in _INCOME if name in given}
    uses = {word(name, lang): given[name] for name in _NEEDS if name in given}
    return _beside(income, {**uses, word(rest, lang): left}, map(str, balance["year"]),
                   lang)  # fmt: skip


def _beside(income: Side, uses: Side, columns: Iterable[str], lang: str) -> pd.DataFrame:
    """Two sides of a table, filled up to one height, and their totals."""
    heads, names = list(columns), official_words("account_line", lang)
    blank, height = ("", [math.nan] * len(heads)), max(len(income), len(uses))
    made = list[pd.DataFrame]()
    for side, total, lines in (
        ("income", "total_resources", income), ("uses", "total_uses", uses)
    ):  # fmt: skip
        sums = [
            math.fsum(v for v in column if v == v) for column in zip(*lines.values(), strict=True)
        ]
        rows = [*lines.items(), *[blank] * (height - len(lines)), (names[total], sums)]
        named = [say(f"present.sheet_{side}")(lang), *heads]
        made.append(pd.DataFrame([[name, *amounts] for name, amounts in rows], columns=named))
    return pd.concat(made, axis=1)
