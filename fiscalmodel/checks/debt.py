"""Government debt: balance against limit, refinancing against what falls due, the roll-forward."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from fiscalmodel.checks.claims import (
    Check,
    Claim,
    Follows,
    Outcome,
    Sums,
    Tied,
    arithmetic,
    found,
    sentence,
)
from fiscalmodel.checks.facts import YEAR, Fact, Grid, by, years_of
from fiscalmodel.findings import Finding
from fiscalmodel.words import EMPTY

_KINDS = {"general": "一般", "special": "专项"}
#: What a row of a list is of, by its name. A limit added in the year is no limit of a balance.
_ROLES = {
    "limit": re.compile(r"(?<!新增)限额(?:/合计)?$"),
    "balance": re.compile(r"余额(?:/合计)?$"),
    "refinancing": re.compile(r"再融资"),
    "due": re.compile(r"到期.*(?:还本|本金)|^(?:到期)?还本(?:支出)?$|债务还本"),
}
#: Rule -> what may not exceed what.
_BOUNDED = {"debt_limit": ("balance", "limit"), "refinancing": ("refinancing", "due")}
_NEW_LIMIT = re.compile(r"新增|收回|核减|调整|下达|提前")


def _at_most(rule: str, stated: Fact, most: Fact, place: str) -> Iterator[Follows]:
    """The claim that one figure does not exceed another; none if the units do not compare."""
    # A table need not say its unit: two figures of one table are in the same one.
    factor = most.factor_to(stated) if most.unit != stated.unit else Decimal(1)
    if factor is not None:
        yield Follows(
            rule, stated, [most], most.number * factor, most.interval.scaled(factor), rule,
            {"place": place}, "≤", "warning" if rule == "refinancing" else "error",
        )  # fmt: skip


# ---------------------------------------------------------------- one figure a row


def _kind(fact: Fact) -> str:
    """general, special, or total."""
    text = fact.label.raw + fact.scope
    return next((kind for kind, word in _KINDS.items() if f"{word}债" in text), "total")


def _place(fact: Fact) -> str:
    """Entity, year and kind of debt."""
    kind = _KINDS.get(_kind(fact))
    words = [w for w in (fact.entity, fact.year) if w]
    return " ".join([*words, f"{kind}债务"] if kind else words)


def _listed(facts: list[Fact]) -> Iterator[Claim]:
    """Limits, balances, refinancing and principal due of one entity and year."""
    debts: dict[str, dict[str, Fact]] = {"general": {}, "special": {}, "total": {}}
    for fact in facts:
        role = next((r for r, p in _ROLES.items() if p.search(fact.label.core)), None)
        if role:
            debts[_kind(fact)].setdefault(role, fact)
    for debt in debts.values():
        for rule, (stated, most) in _BOUNDED.items():
            if stated in debt and most in debt:
                yield from _at_most(rule, debt[stated], debt[most], _place(debt[stated]))
    for role in ("limit", "balance"):
        total, parts = debts["total"].get(role), [debts[k].get(role) for k in _KINDS]
        known = [(1, p) for p in parts if p]
        if total and len(known) == 2:
            yield Sums("debt_limit", total, known, "general_special")


# ---------------------------------------------------------------- tables by region, year or kind

_WHAT = re.compile("限额|余额")
_KIND = re.compile(r"(?:政府)?(一般|专项)债[务券]?(?:\(券\)|（券）)?")
_TOTAL = re.compile(r"(?:政府|地方|法定)*债务")
_SUM = re.compile(r"^(?:合计|总计|小计|总额|全部)$")
_UNIT = re.compile("(?:万|亿|千|百万)?元")
#: What may stand beside a limit in one figure and not in the other, and means nothing.
_BESIDE = re.compile(
    r"[（(](?:单位[:：])?(?:万|亿|千|百万)?元[)）]|[（(](?:决算|执行|预算|预计执行)数[)）]"
    r"|(?:预计)?执行数|决算数|预算数|年[末底度]?|[末底]|[\s:：、，,_/的]"
    r"|^[一二三四五六七八九十\d]+[、.．]"
)


def _wide(grid: Grid) -> Iterator[Claim]:
    """The balance within the limit, kind of debt and limit being told by rows or headers."""
    named = any("债" in each.raw for each in (*grid.labels, *grid.headers))
    if not ("债" in grid.name or named):
        return
    form = list(_roll_forward(grid))
    yield from form
    if not form:
        for limit, balance in _pairs(grid):
            yield from _at_most("debt_limit", balance, limit, _where(balance))


def _where(balance: Fact) -> str:
    """Row and column of a balance, as far as they tell whose debt it is."""
    words = [balance.entity, balance.label.raw.strip(), balance.period]
    return " ".join(dict.fromkeys(w for w in words if w))


def _pairs(grid: Grid) -> Iterator[tuple[Fact, Fact]]:
    """Limit and balance that are named alike but for these words, each standing once."""
    headers = [header.raw for header in grid.headers]
    # Groups of columns whose limits are those added or taken back in the year.
    new = {h.rpartition("/")[0] for h in headers if _NEW_LIMIT.search(h)} - {""}
    sides: dict[tuple[str, ...], list[tuple[str, Fact]]] = {}
    for name, row in zip((label.raw for label in grid.labels), grid.facts, strict=True):
        for header, fact in zip(headers, row, strict=True):
            if fact is None or (fact.unit and not fact.yuan) or header.rpartition("/")[0] in new:
                continue
            key, what = _key(name, header), set(_WHAT.findall(name + header))
            if key is not None and len(what) == 1 and not _NEW_LIMIT.search(f"{name}|{header}"):
                sides.setdefault(key, []).append((what.pop(), fact))
    for side in sides.values():
        if sorted(what for what, _ in side) == ["余额", "限额"]:
            yield dict(side)["限额"], dict(side)["余额"]


def _key(row: str, header: str) -> tuple[str, ...] | None:
    """Kind of debt, unit, and what is left of row and header; None where two kinds are named."""
    kinds = set(_KIND.findall(row + "|" + header))
    if len(kinds) > 1:
        return None
    rest = []
    for text in (row, header):
        bare = _BESIDE.sub("", _WHAT.sub("", _TOTAL.sub("", _KIND.sub("", text.strip()))))
        rest.append("" if _SUM.match(bare) else bare)
    return (kinds.pop() if kinds else "", *_UNIT.findall(row + header), *rest)


# ---------------------------------------------------------------- the official roll-forward

#: Rows of the forms 1-1, 1-2 and of table 四十四, in the order in which they stand.
_STEPS = {
    "opening": re.compile(r"(?:上年末|上年底|\d{4}年末|\d{4}年底).*余额(?:实际数|决算数|执行数)?$"),
    "limit": re.compile(r"余额限额$"),
    "issued": re.compile(r"发行(?:额|决算数|执行数|数)$"),
    "repaid": re.compile(r"还本(?:额|支出|决算数|执行数|数)?$"),
    "adjusted": re.compile(r"调减|核减|化解"),
    "closing": re.compile(r"末.*余额(?:预计执行数|执行数|决算数|预算数)?$"),
}


def _roll_forward(grid: Grid) -> Iterator[Claim]:
    """Opening + issued - repaid = closing, for each block of rows and each column."""
    for block in _blocks(grid):
        added: list[tuple[list[Fact], Outcome]] = []
        for c in grid.amounts:
            yield from _rolled(grid, block, c, added)
        if added:
            yield _added(added)


def _blocks(grid: Grid) -> Iterator[dict[str, int]]:
    """Rows of each roll-forward: a block begins with an opening and ends with a closing balance."""
    block: dict[str, int] = {}
    for r, label in enumerate(grid.labels):
        core = label.core
        if label.level > 1:
            continue  # issue by kind of bond
        if "opening" not in block:
            if _STEPS["opening"].search(core) and "限额" not in core:
                block = {"opening": r}
            continue
        between = (s for s in ("limit", "issued", "repaid", "adjusted") if s not in block)
        step = next((s for s in between if _STEPS[s].search(core)), None)
        complete = {"issued", "repaid"} <= block.keys() and "限额" not in core
        if step is not None:
            block[step] = r
        elif complete and _STEPS["closing"].search(core):
            yield {**block, "closing": r}
            block = {}


def _rolled(
    grid: Grid, block: dict[str, int], c: int, added: list[tuple[list[Fact], Outcome]]
) -> Iterator[Claim]:
    """The claims of one column; where it closes only with the reduction added, into `added`."""
    at = {step: grid.facts[r][c] for step, r in block.items()}
    names = ("opening", "closing", "issued", "repaid", "adjusted", "limit")
    opening, closing, issued, repaid, adjusted, limit = (at.get(step) for step in names)
    if closing is None:
        return
    if limit is None and "limit" in block:
        # The forms print limits as budget and balances as outturn: one figure in the row.
        known = [f for f in grid.facts[block["limit"]] if f is not None]
        limit = known[0] if len(known) == 1 else None
    if limit is not None and _same_year(limit, closing):
        yield from _at_most("debt_limit", closing, limit, _where(closing))
    if opening is None or issued is None or repaid is None:
        return
    plain = Sums("debt_roll_forward", closing, [(1, opening), (1, issued), (-1, repaid)], "rolled")
    if adjusted is None or not adjusted.number:
        yield from _closed(plain)
        return
    signed = {sign: replace(plain, parts=[*plain.parts, (sign, adjusted)]) for sign in (-1, 1)}
    less, more, none = map(arithmetic, (signed[-1], signed[1], plain))
    if less and less.ties:
        yield Tied("debt_roll_forward")
    elif more and more.ties:
        added.append(([closing, opening, issued, repaid, adjusted], more))
    elif none and none.ties:
        yield Tied("debt_roll_forward")
    else:
        yield from _closed(signed[1])


def _added(columns: list[tuple[list[Fact], Outcome]]) -> Finding:
    """One note on a row named a reduction that every column of a block needs added."""
    facts, outcome = columns[0]
    closing, opening, issued, repaid, adjusted = facts
    others = [f.cell for column, _ in columns[1:] for f in column[-1:]]
    more = sentence("roll_forward.others", cells=others) if others else EMPTY
    return found(
        "debt_roll_forward", "note", [f for column, _ in columns for f in column],
        "roll_forward.added",
        stated=closing.number, computed=outcome.computed, tolerance=outcome.tolerance,
        place=_where(closing), opening=opening, issued=issued, repaid=repaid, adjusted=adjusted,
        closing=closing, others=more,
    )  # fmt: skip


def _closed(claim: Sums) -> Iterator[Claim]:
    """An error where a slip explains it; else exchange rates or a reduction may be behind it."""
    outcome = arithmetic(claim)
    if outcome is not None:
        likely = outcome.ties or any(outcome.slips)
        yield replace(claim, severity="error" if likely else "warning")


def _same_year(a: Fact, b: Fact) -> bool:
    years = [set(years_of(f.label.raw)) for f in (a, b)]
    return not (years[0] and years[1]) or bool(years[0] & years[1])


_DEBT = by(*YEAR, "month", when=lambda f: f.yuan and "债" in f.label.raw + f.scope)

CHECKS = (
    Check(("debt_limit", "refinancing"), _listed, _DEBT),
    Check(("debt_limit", "debt_roll_forward"), _wide, "grid"),
)
