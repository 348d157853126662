"""The official table of the general budget: income beside spending, each with its total."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from fiscalmodel.display import word
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.words import language, official_words, say

#: Lines of a scenario's balance by side.
_INCOME = ("revenue_wan", "transfers_wan", "other_resources_wan")
_NEEDS = ("sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan")
#: Which version of an account is shown: what became of the last years, the plan of the first.
_BEHIND = ("final_account", "execution", "adjusted_budget", "initial_budget")
_AHEAD = ("adjusted_budget", "initial_budget")

#: A line's name -> its amount in each column.
Side = Mapping[str, list[float]]


def balance_sheet(outcome: Outcome, lang: str | None = None) -> pd.DataFrame | None:
    """一般公共预算收支平衡表: 收入 | 支出, each with the last years' accounts and the budget.

    Of the accounts that a scenario gives, the widest level; both sides have the same total, with
    what is carried over as a line of the right one. None without accounts: see `balance_years`.
    """
    if outcome.budgets is None:
        return None
    lang = lang or language()
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


def balance_years(outcome: Outcome, *, public: bool = False) -> pd.DataFrame | None:
    """分年收支测算: income less needs by year, with the difference as a line of its own.

    It is worked out from needs and no official table: what income leaves is for clearance, what
    it lacks a gap. None where a scenario gives no needs.
    """
    balance = outcome.balance
    if balance is None or "available_wan" not in balance:
        return None
    income, needs = ([c for c in side if c in balance] for side in (_INCOME, _NEEDS))
    made = balance[["year", *income]].assign(income_total_wan=balance[income].sum(axis=1))
    made = made.join(balance[needs]).assign(need_total_wan=balance[needs].sum(axis=1))
    made["surplus_wan"] = made["income_total_wan"] - made["need_total_wan"]
    return made if public else made.join(balance[["available_wan", "shortfall_wan"]])


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
