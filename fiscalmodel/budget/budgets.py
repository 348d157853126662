"""The four budgets 四本预算: each closes by itself, and they meet only through transfers.

Fund and state-capital money moves into the general budget, the general budget may help the
funds, nothing leaves social insurance. Every 调出 has its 调入; what comes in from outside
the four budgets needs a source that is named.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.budget.account import SCOPES, SIDE_OF, BudgetBalance, Scope, close_balance
from fiscalmodel.budget.medium_term import fund_carry_over_excess
from fiscalmodel.display import Chart, Found, bars, chart, named
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding, ranked
from fiscalmodel.words import Text, official_name, say

#: One account of one level, year and version.
KEY = ("level", "year", "version", "budget")
COLUMNS = (
    "budget", "level", "year", "version", "side", "item_code", "item", "amount_wan", "restricted",
    "counterpart", "source",
)  # fmt: skip
Key: TypeAlias = "tuple[str, int, str, str]"
#: Where a transfer goes or comes from that does not say: by the rule of each budget.
_TO: Mapping[str, str] = {"fund": "general", "state_capital": "general", "general": "fund"}
#: Versions, from the plan to the account; a later one of the year before gives the opening.
VERSIONS = ("initial_budget", "adjusted_budget", "execution", "final_account")


@dataclass(frozen=True, repr=False)
class FourBudgets(Found):
    """Accounts of the four budgets, by level, year and version, 万元.

    Attributes
    ----------
    table
        One row an account: ``level, year, version, budget, resources_wan, uses_wan,
        carry_over_wan, misfit_wan``; a misfit is the largest difference between a printed
        and a computed figure.
    lines
        The lines as given: the columns of the four-accounts table.
    transfers
        ``level, year, version, from_budget, to_budget, out_wan, in_wan, gap_wan, origin``:
        each 调出 beside its 调入. What comes from outside the four budgets has no
        ``from_budget``; ``origin`` names it.
    accounts
        Key of the account -> its balance.
    found
        What does not tie or breaks a rule.
    notes
        What a reader must know: an opening taken from the year before.
    """

    table: pd.DataFrame
    lines: pd.DataFrame
    transfers: pd.DataFrame
    accounts: Mapping[Key, BudgetBalance]
    found: tuple[Finding, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether every account meets its printed figures and every transfer its other end."""
        return not any(f.severity == "error" for f in self.found)

    @property
    def answer(self) -> Text:
        """How many accounts close, and the largest misfit."""
        count, open_ = len(self.table), int(self.table["misfit_wan"].abs().gt(0).sum())
        moved = math.fsum(self.transfers["out_wan"])
        if not self.found:
            return say("budget.four_close", count=count, moved=moved)
        worst = ranked(self.found)[0]
        return say(
            "budget.four_open", count=count, open=open_, moved=moved, found=len(self.found),
            where=where_name(worst.where), amount=abs(worst.difference or worst.computed or 0.0),
            said=worst.said,
        )  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """The accounts, with levels, versions and budgets by name."""
        made = named(self.table, level="government_level", version="version", budget="budget_scope")
        return made.rename(
            columns={
                "level": "government_level", "budget": "budget_scope",
                "resources_wan": "total_resources_wan", "uses_wan": "total_uses_wan",
            }
        )  # fmt: skip

    def account(
        self, budget: str = "general", year: int | None = None, *, level: str | None = None,
        version: str | None = None,
    ) -> BudgetBalance:  # fmt: skip
        """One account; the newest year, the widest level and the latest version by default.

        Raises
        ------
        InputError
            If there is no such account.
        """
        wanted = {"level": level, "year": year, "version": version}
        keys = [
            key for key in self.accounts
            if key[3] == budget and all(
                v is None or v == key[KEY.index(name)] for name, v in wanted.items()
            )
        ]  # fmt: skip
        if not keys:
            raise InputError("account", "budget.no_account", budget=budget, year=year or "")
        return self.accounts[max(keys, key=lambda k: (k[0] == "whole", k[1], VERSIONS.index(k[2])))]

    def plot(self, lang: str | None = None) -> Chart:
        """Resources, uses and what is carried over of each budget in its newest account."""
        newest = self.table.drop_duplicates("budget", keep="last")
        columns = ["resources_wan", "uses_wan", "carry_over_wan"]
        shown = named(newest[["budget", *columns]], lang, budget="budget_scope")
        return chart(bars, shown.set_index("budget"), say("budget.chart_four"), self.answer, lang)


def close_budgets(lines: pd.DataFrame, *, tolerance_wan: float = 0.5) -> FourBudgets:
    """Close every account of a table of lines, and set each transfer against its other end.

    Parameters
    ----------
    lines
        The four-accounts table: ``budget, level, year, version, item, amount_wan`` and, where
        known, ``restricted`` (the purpose that money is tied to) and ``counterpart`` (the
        account that a transfer goes to or comes from, or the named source outside).
        `read_accounts` makes it from a file.
    tolerance_wan
        Largest difference that the rounding of printed 万元 explains.

    Raises
    ------
    InputError
        If an account has no revenue or expenditure, or a line twice: all accounts at once.

    Notes
    -----
    Where a year's account prints no opening balance, it is what the year before carried over
    (执行数 or 决算数): said in the notes.
    """
    lines = _complete(lines)
    found, problems = list[Finding](), Collector()
    opened, unopened = list[Text](), list[Text]()
    one_sided = list[tuple[Key, dict[str, float]]]()
    accounts: dict[Key, BudgetBalance] = {}
    carried: dict[Key, float] = {}
    for key, group in _groups(lines):
        items = _items(group, key, problems)
        if len({"revenue", "expenditure"} & set(items)) == 1:
            one_sided.append((key, items))
            continue
        stated = items.get("carry_over")
        taken = None if "opening_carry_over" in items else _before(carried, key)
        if taken:
            items["opening_carry_over"] = taken
            opened.append(say("budget.opening_of", where=_key_name(key), amount=taken))
        elif "opening_carry_over" not in items and key[3] == "social_insurance":
            # Without the opening the balance at the end cannot be worked out.
            items.pop("carry_over", None)
            unopened.append(_key_name(key))
        try:
            made = close_balance(items, scope=key[3], tolerance_wan=tolerance_wan)
        except InputError as error:
            for problem in error.problems:
                problems.add(f"{_key_name(key)}: {problem.where}", problem.said, problem.hint)
            continue
        if taken:
            made = replace(made, found=tuple(_opening_told(f, taken) for f in made.found))
        made = replace(made, found=tuple(_unread_told(f, group) for f in made.found))
        if stated is not None and "opening_carry_over" not in made.table["item"].to_numpy():
            made = replace(made, carry_over_wan=stated)  # as printed: it cannot be worked out
        misses = stated is not None and abs(stated - made.carry_over_wan) > tolerance_wan
        # The next year opens with the balance that is printed.
        carried[key] = stated if stated is not None and misses else made.carry_over_wan
        accounts[key] = made
        found += [_placed(f, key) for f in made.found]
        found += _restricted(group, key, made, tolerance_wan)
    for key, items in one_sided:
        side = "no_expenditure" if "revenue" in items else "no_revenue"
        if accounts:
            where = " ".join(map(str, key))
            found.append(
                finding("side_missing", where, severity="warning", said=say(f"budget.{side}"))
            )
        else:
            problems.add(_place(lines, key), f"budget.{side}")
    problems.raise_if_any()
    moves = _transfers(lines)
    found += _unmatched(moves, lines, tolerance_wan)
    found += _rules(accounts, carried, lines, tolerance_wan)
    table = pd.DataFrame(
        [
            {
                **dict(zip(KEY, key, strict=True)),
                "resources_wan": made.resources_wan,
                "uses_wan": made.uses_wan,
                "carry_over_wan": made.carry_over_wan,
                "misfit_wan": made.misfit_wan,
            }
            for key, made in accounts.items()
        ]
    )
    notes = [say("budget.opening_taken", accounts=opened)] if opened else []
    notes += [say("budget.opening_missing", accounts=unopened)] if unopened else []
    return FourBudgets(table, lines, moves, accounts, tuple(found), tuple(notes))


def _complete(lines: pd.DataFrame) -> pd.DataFrame:
    """The table with every column, and the side that each line stands on."""
    made = lines.reindex(columns=[*dict.fromkeys([*COLUMNS, *lines.columns])]).copy()
    for column in ("restricted", "counterpart", "item_code", "source"):
        made[column] = made[column].astype(object).where(made[column].notna(), "")
    made["level"] = made["level"].where(made["level"].notna(), "whole")
    made["side"] = [SIDE_OF.get(str(item), "detail") for item in made["item"]]
    return made


def _groups(lines: pd.DataFrame) -> list[tuple[Key, pd.DataFrame]]:
    """Accounts in order: levels apart, years up, versions from the plan to the account."""
    grouped = [
        ((str(k[0]), int(str(k[1])), str(k[2]), str(k[3])), group)
        for k, group in lines.groupby(list(KEY), sort=False)
    ]
    return sorted(
        grouped,
        key=lambda pair: (
            pair[0][0] != "whole", pair[0][1], VERSIONS.index(pair[0][2]),
            SCOPES.index(cast("Scope", pair[0][3])),
        ),
    )  # fmt: skip


def _items(group: pd.DataFrame, key: Key, problems: Collector) -> dict[str, float]:
    """Line -> amount; money of one line that is tied and free, or goes several ways, added up."""
    amounts: dict[str, list[float]] = {}
    seen = set[tuple[object, ...]]()
    columns = zip(
        group["side"], group["item"], group["restricted"], group["counterpart"],
        group["amount_wan"].astype(float), strict=True,
    )  # fmt: skip
    for side, line, purpose, other, amount in columns:
        if side == "detail":
            continue
        if (line, purpose, other) in seen:
            problems.add(
                _key_name(key), "budget.line_twice", text=official_name("account_line", line)
            )
        seen.add((line, purpose, other))
        amounts.setdefault(line, []).append(amount)
    return {line: math.fsum(values) for line, values in amounts.items()}


def _before(carried: Mapping[Key, float], key: Key) -> float | None:
    """What the year before carried over, from its account rather than its plan."""
    level, year, _, budget = key
    for version in ("final_account", "execution"):
        if (level, year - 1, version, budget) in carried:
            return carried[level, year - 1, version, budget]
    return None


def _opening_told(found: Finding, opening: float) -> Finding:
    """A printed balance that misses the opening taken from the year before implies another."""
    if found.where != "carry_over" or found.difference is None:
        return found
    said = say("budget.opening_implied", amount=opening + found.difference, opening=opening)
    return replace(found, severity="warning", said=said)


def _unread_told(found: Finding, group: pd.DataFrame) -> Finding:
    """A figure that misses exactly an item which no line was told from: that may be its line."""
    if found.where not in ("total_resources", "total_uses", "carry_over") or not found.difference:
        return found
    items = group[group["side"].eq("detail")]
    gaps = (items["amount_wan"].astype(float) - abs(found.difference)).abs()
    near = items.loc[gaps <= (found.tolerance or 0.0), "item"]
    return replace(found, said=say("budget.unread", item=near.iloc[0])) if len(near) else found


def _placed(found: Finding, key: Key) -> Finding:
    return replace(found, where=" ".join(map(str, (*key, found.where))))


def _restricted(
    group: pd.DataFrame, key: Key, made: BudgetBalance, tolerance: float
) -> Iterator[Finding]:
    """Money tied to a purpose is spent on it, or carried over for it."""
    tied = group[group["restricted"].ne("")]
    if tied.empty:
        return
    held = 0.0
    for purpose, rows in tied.groupby("restricted", sort=False):
        sums = rows.groupby("side")["amount_wan"].sum()
        left = float(sums.get("resource", 0.0)) - float(sums.get("use", 0.0))
        kept = float(rows.loc[rows["item"].eq("carry_over"), "amount_wan"].sum())
        told = bool(rows["item"].eq("carry_over").any())
        held += max(left, 0.0)
        if told and abs(max(left, 0.0) - kept) > tolerance:
            yield finding(
                "restricted_money", " ".join(map(str, (*key, purpose))), stated=kept,
                computed=left, tolerance=tolerance,
                said=say("budget.restricted_spent", purpose=purpose),
            )  # fmt: skip
    if held > max(made.carry_over_wan, 0.0) + tolerance:
        yield finding(
            "restricted_money", " ".join(map(str, key)), stated=made.carry_over_wan, computed=held,
            tolerance=tolerance, said=say("budget.restricted_short"),
        )  # fmt: skip


# ---- what moves between the budgets ----


def _transfers(lines: pd.DataFrame) -> pd.DataFrame:
    """Each transfer out beside the transfer in that it meets."""
    rows = list[dict[str, Any]]()
    moved = lines[lines["item"].isin(["transfers_out", "transfers_in"])]
    for key, group in moved.groupby(["level", "year", "version"], sort=False):
        outs: dict[tuple[str, str], float] = {}
        ins: dict[tuple[str, str], float] = {}
        for row in group.to_dict("records"):
            amount, told = float(row["amount_wan"]), str(row["counterpart"])
            if not amount:
                continue
            budget = str(row["budget"])
            if row["item"] == "transfers_out":
                pair = (budget, told or _TO.get(budget, ""))
                outs[pair] = outs.get(pair, 0.0) + amount
            else:
                pair = (told, budget)
                ins[pair] = ins.get(pair, 0.0) + amount
        rows += [
            {**dict(zip(("level", "year", "version"), key, strict=True)), **row}
            for row in _met(outs, ins)
        ]
    columns = [*KEY[:3], "from_budget", "to_budget", "out_wan", "in_wan", "gap_wan", "origin"]
    return pd.DataFrame(rows, columns=columns)


def _met(
    outs: Mapping[tuple[str, str], float], ins: Mapping[tuple[str, str], float]
) -> Iterator[dict[str, Any]]:
    """Transfers of one set of accounts: those whose ends name each other, then by receiver."""
    open_in = dict(ins)
    for (source, target), out in outs.items():
        named = open_in.pop((source, target), None)
        if named is None:
            # An amount that names no origin takes what the others send, as far as it goes.
            left = open_in.get(("", target), 0.0)
            named = min(out, left)
            if left:
                open_in["", target] = left - named
        yield _move(source, target, out, named, "")
    for (source, target), amount in open_in.items():
        if amount > 1e-9:
            inside = source in SCOPES
            yield _move(source if inside else "", target, 0.0, amount, "" if inside else source)


def _move(source: str, target: str, out: float, into: float, origin: str) -> dict[str, Any]:
    return {
        "from_budget": source, "to_budget": target, "out_wan": out, "in_wan": into,
        "gap_wan": into - out, "origin": origin,
    }  # fmt: skip


def _unmatched(moves: pd.DataFrame, lines: pd.DataFrame, tolerance: float) -> Iterator[Finding]:
    """Transfers without their other end; one whose budget is not given can only be noted."""
    given = lines.groupby(list(KEY[:3]))["budget"].agg(set).to_dict()
    ends = [*KEY[:3], "to_budget"]
    met = set(moves.loc[moves["out_wan"] > 0, ends].itertuples(index=False, name=None))
    for row in moves.to_dict("records"):
        absent = set(SCOPES[:3]) - given[row["level"], row["year"], row["version"]]
        where = f"{row['level']} {row['year']} {row['version']}"
        if row["from_budget"] == "social_insurance":
            yield finding(
                "social_insurance_leaves", f"{where} social_insurance", computed=row["out_wan"],
                said=say("budget.social_leaves"),
            )  # fmt: skip
        if row["to_budget"] == "social_insurance":
            yield finding(
                "social_insurance_subsidy", f"{where} social_insurance", computed=row["in_wan"],
                severity="warning", said=say("budget.social_subsidy"),
            )  # fmt: skip
        if not row["from_budget"] and not row["origin"]:
            yield finding(
                "transfer_from_outside", f"{where} {row['to_budget']}", computed=row["in_wan"],
                severity="note" if absent else
                "warning" if tuple(row[end] for end in ends) in met else "error",
                said=_origin_said(absent),
            )  # fmt: skip
        elif absent & {row["from_budget"], row["to_budget"]}:
            continue
        elif row["from_budget"] and abs(row["gap_wan"]) > tolerance:
            key = "budget.out_without_in" if row["gap_wan"] < 0 else "budget.in_without_out"
            yield finding(
                "transfer_without_end", f"{where} {row['from_budget']}", stated=row["in_wan"],
                computed=row["out_wan"], tolerance=tolerance,
                said=say(key, source=official_name("budget_scope", row["from_budget"]),
                         target=official_name("budget_scope", row["to_budget"]),
                         at=_cells(lines, row)),
            )  # fmt: skip


def _origin_said(absent: set[Scope]) -> Text:
    names = [official_name("budget_scope", budget) for budget in SCOPES if budget in absent]
    return say("budget.origin_absent", budgets=names) if names else say("budget.origin_missing")


# ---- rules of the budgets ----


def _rules(
    accounts: Mapping[Key, BudgetBalance], carried: Mapping[Key, float], lines: pd.DataFrame,
    tolerance: float,
) -> Iterator[Finding]:  # fmt: skip
    for key, made in accounts.items():
        amounts = made.table.set_index("item")["amount_wan"]
        where = " ".join(map(str, key))
        on = dt.date(key[1], 12, 31)
        if key[3] == "fund":
            mine = _lines_of(lines, key)
            bonds = mine[mine["item"].eq("carry_over") & mine["restricted"].eq("bonds")]
            free = max(made.carry_over_wan - float(bonds["amount_wan"].sum()), 0.0)
            excess = fund_carry_over_excess(free, float(amounts["revenue"]), on)
            if excess > tolerance:
                yield finding(
                    "fund_carry_over", where, stated=free, computed=free - excess,
                    severity="note", said=say("budget.fund_excess"),
                )  # fmt: skip
        share = policy.in_force("state_capital_transfer_floor", on)
        if key[3] == "state_capital" and share is not None:
            floor = float(share.value)
            out = float(amounts.get("transfers_out", 0.0))
            due = float(amounts["revenue"]) * floor / 100
            if out < due - tolerance:
                yield finding(
                    "state_capital_transfer", where, stated=out, computed=due, severity="warning",
                    said=say("budget.state_capital_low", floor=floor),
                )  # fmt: skip
        yield from _opened(carried, key, amounts, tolerance)
        if key[3] == "general" and key[2] in ("execution", "final_account"):
            yield from _surplus(accounts, key, amounts, tolerance)


def _opened(
    carried: Mapping[Key, float], key: Key,
    amounts: pd.Series[float], tolerance: float,
) -> Iterator[Finding]:  # fmt: skip
    """An account opens with what the year before carried over."""
    before = _before(carried, key)
    opening = amounts.get("opening_carry_over")
    if before is None or opening is None or key[2] not in ("execution", "final_account"):
        return
    if abs(float(opening) - before) > tolerance:
        yield finding(
            "opening_carry_over", " ".join(map(str, key)), stated=float(opening),
            computed=before, tolerance=tolerance, severity="warning",
            said=say("budget.opening_differs"),
        )  # fmt: skip


def _surplus(
    accounts: Mapping[Key, BudgetBalance], key: Key,
    amounts: pd.Series[float], tolerance: float,
) -> Iterator[Finding]:  # fmt: skip
    """超收 offsets a deficit or fills the fund; the fund is used only through the budget."""
    level, year, _, budget = key
    adjusted = (level, year, "adjusted_budget", budget) in accounts
    plans = [
        accounts[level, year, version, budget].table.set_index("item")["amount_wan"]
        for version in ("adjusted_budget", "initial_budget")
        if (level, year, version, budget) in accounts
    ]
    if not plans:
        return
    plan, where = plans[0], " ".join(map(str, key))
    above = float(amounts["revenue"]) - float(plan["revenue"])
    spent = float(amounts["expenditure"]) - float(plan["expenditure"])
    filled = float(amounts.get("stabilisation_fund_filled", 0.0))
    if above > tolerance and spent > tolerance and filled < min(above, spent) - tolerance:
        yield finding(
            "surplus_spent", where, stated=filled, computed=above, severity="warning",
            said=say("budget.surplus_spent"),
        )  # fmt: skip
    drawn = float(amounts.get("stabilisation_fund_drawn", 0.0))
    planned = float(plan.get("stabilisation_fund_drawn", 0.0))
    if drawn > planned + tolerance:
        yield finding(
            "fund_drawn", where, stated=drawn, computed=planned,
            severity="warning" if adjusted else "note", said=say("budget.fund_drawn_outside"),
        )  # fmt: skip


def _lines_of(lines: pd.DataFrame, key: Sequence[object]) -> pd.DataFrame:
    mine = lines[list(KEY)].eq(list(key)).all(axis=1)
    return lines[mine]


def state_capital_findings(
    budgets: FourBudgets,
    profit_wan: Mapping[int, float],
    *,
    handing_over_pct: float,
    transfer_pct: float,
    tolerance_wan: float = 0.5,
) -> list[Finding]:
    """State capital by its ratios: profit × handing-over = income, income × transfer = 调出.

    Parameters
    ----------
    profit_wan
        Profit of the enterprises by year.
    handing_over_pct, transfer_pct
        The region's ratios in percent.
    """
    found = list[Finding]()
    for key, made in budgets.accounts.items():
        if key[3] != "state_capital" or key[1] not in profit_wan:
            continue
        amounts = made.table.set_index("item")["amount_wan"]
        income, out = float(amounts["revenue"]), float(amounts.get("transfers_out", 0.0))
        due = profit_wan[key[1]] * handing_over_pct / 100
        sent = income * transfer_pct / 100
        for name, stated, computed in (("income", income, due), ("out", out, sent)):
            if abs(stated - computed) > tolerance_wan:
                found.append(
                    finding(
                        "state_capital_ratio", " ".join(map(str, key)), stated=stated,
                        computed=computed, tolerance=tolerance_wan, severity="warning",
                        said=say(f"budget.state_capital_{name}"),
                    )
                )  # fmt: skip
    return found


# ---- names ----


def _cells(lines: pd.DataFrame, move: Mapping[Any, Any]) -> str:
    """Where the ends of a transfer stand that are given."""
    same = lines[list(KEY[:3])].eq([move[name] for name in KEY[:3]]).all(axis=1)
    out = lines["item"].eq("transfers_out") & lines["budget"].eq(move["from_budget"])
    into = lines["item"].eq("transfers_in") & lines["budget"].eq(move["to_budget"])
    return "、".join(dict.fromkeys(str(s) for s in lines.loc[same & (out | into), "source"] if s))


def _place(lines: pd.DataFrame, key: Key) -> Text:
    """An account and the cell of its first line."""
    cells = [str(source) for source in _lines_of(lines, key)["source"] if source]
    return Text.joined([_key_name(key), *cells[:1]], zh=" ", en=" ")


def _key_name(key: Sequence[object]) -> Text:
    level, year, version, budget = map(str, key)
    return say(
        "budget.account_name", year=year, level=official_name("government_level", level),
        version=official_name("version", version), budget=official_name("budget_scope", budget),
    )  # fmt: skip


def where_name(where: str) -> Text:
    """The account that a finding's place names, in words."""
    parts = where.split(" ")
    if len(parts) >= 4 and parts[3] in SCOPES:
        return _key_name(parts[:4])
    return Text.of(where)
