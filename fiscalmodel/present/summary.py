"""What a report comes to: five answers, the figures of the index, and what has changed since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fiscalmodel.budget.budgets import where_name
from fiscalmodel.display import YI, note_html
from fiscalmodel.scenario.compare import inputs_of
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import RESULTS, Outcome
from fiscalmodel.words import EMPTY, Text, label, say

#: Raised when the content of a summary changes its shape.
VERSION = 1
#: Figure -> unit, and whether more of it is better (1), worse (-1) or neither (0).
FIGURES: dict[str, tuple[str, int]] = {
    "revenue_wan": ("亿元", 1),
    "growth_pct": ("%", 1),
    "low_wan": ("亿元", 1),
    "high_wan": ("亿元", 1),
    "available_wan": ("亿元", 1),
    "hidden_wan": ("亿元", -1),
    "missing_wan": ("亿元", -1),
    "cost_wan": ("亿元", -1),
    "quota_wan": ("亿元", 0),
    "ratio_before_pct": ("%", -1),
    "ratio_after_pct": ("%", -1),
    "commissions_wan": ("万元", 0),
}
#: Keys of a scenario that a public version leaves out.
INTERNAL = ("debt", "medium_term", "sanbao", "projects", "idle")
#: Errors of one part that are told; of more, only how many.
MOST_WARNINGS = 2
#: The questions of a reader, in their order.
QUESTIONS = ("revenue", "clear", "missing", "cost", "decide", "sure")


@dataclass(frozen=True, repr=False)
class Summary:
    """The first screen of a report, and its line on the index.

    Attributes
    ----------
    outcome
        What is summed up.
    figures
        See `FIGURES`; what a scenario does not give is missing.
    answers
        Question -> answer.
    facts
        ``cleared``, ``tightest``, ``grade_before``, ``grade_after``: in words.
    warnings
        What a reader must know before using the figures.
    """

    outcome: Outcome
    figures: Mapping[str, float]
    answers: Mapping[str, Text]
    facts: Mapping[str, Text]
    warnings: tuple[Text, ...] = field(default=())

    @property
    def decision(self) -> Text:
        """The decision that is asked for."""
        return self.answers["decide"]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON takes it, with the inputs that it rests on."""
        case = self.outcome.scenario
        region, span = case.region, case.spec.years
        return {
            "version": VERSION,
            "id": case.id,
            "region": {"key": region.key, "zh": region.zh, "en": region.en},
            "name": _both(Text.of(case.spec.name("zh")), case.spec.name("en")),
            "baseline": len(case.chain) < 2,
            "synthetic": case.synthetic,
            "internal": has_hidden(self.outcome.scenario),
            "as_of": case.spec.as_of.isoformat(),
            "years": [span.first, span.last],
            "figures": {key: self.figures.get(key) for key in FIGURES},
            "facts": {key: _both(text) for key, text in self.facts.items()},
            "answers": {key: _both(text) for key, text in self.answers.items()},
            "warnings": [_both(text) for text in self.warnings],
            "inputs": inputs_of(case),
            "previous": None,
        }

    def __repr__(self) -> str:
        return "\n".join(f"{_question(key)}{said}" for key, said in self.answers.items())

    def _repr_html_(self) -> str:
        from markupsafe import escape

        lines = "".join(
            f"<p><strong>{escape(_question(key))}</strong>{escape(said)}</p>"
            for key, said in self.answers.items()
        )
        return f'<blockquote class="fm-answer">{lines}</blockquote>' + note_html(self.warnings)


def summarise(outcome: Outcome) -> Summary:
    """Five answers first: will debt be cleared, what is missing and when, what does it cost,
    what is to be decided, how sure is it.

    Parameters
    ----------
    outcome
        From `evaluate`.

    Returns
    -------
    Summary
        Shows itself as the first screen of a report; `Summary.to_dict` is what the index reads.
    """
    figures = {key: value for key, value in _figures(outcome).items() if math.isfinite(value)}
    facts = _facts(outcome)
    told = {key: _SAID[key](outcome, figures, facts) for key in QUESTIONS}
    answers = {key: said for key, said in told.items() if said}
    warnings = [say("scenario.synthetic")] if outcome.scenario.synthetic else []
    warnings += [note for note in outcome.answers if note in _alarms(outcome)]
    if outcome.plan is not None and not outcome.plan.holds:
        warnings.append(outcome.plan.answer[0])
    if outcome.risk is not None:
        warnings += [Text.of(found.said) for found in outcome.risk.found]
    cash = outcome.sanbao.warning if outcome.sanbao is not None else None
    warnings += [cash.brief] if cash is not None and cash.alarm else []
    for name in RESULTS:
        found, part = getattr(getattr(outcome, name), "found", ()), say(f"scenario.part_{name}")
        ranked = [one for kind in ("error", "warning") for one in found if one.severity == kind]
        grave = [say("present.warning", part=part, where=_place(name, one.where), said=one.said)
                 for one in ranked]  # fmt: skip
        warnings += grave[:MOST_WARNINGS]
        if len(grave) > MOST_WARNINGS:
            count = len(grave) - MOST_WARNINGS
            warnings.append(say("present.more_warnings", count=count, part=part))
    return Summary(outcome, figures, answers, facts, tuple(dict.fromkeys(warnings)))


def public_version(scenario: Scenario) -> Scenario:
    """The scenario as it may be published: its ledger of hidden debt is not even read.

    What it says of revenue, the balance, the four budgets and statutory debt is the same. There
    is no clearance plan, and none of the internal papers whose lines pay for it: medium-term
    plan, treasury cash, project pool and idle money.
    """
    parts = [name for name in INTERNAL if getattr(scenario.spec, name) is not None]
    if not parts:
        return scenario
    made = scenario.change(dict.fromkeys(parts))
    spec = made.spec.model_copy(update={"name": scenario.spec.name})
    return replace(made, id=scenario.id, spec=spec)


def has_hidden(scenario: Scenario) -> bool:
    """Whether hidden debt is in it, so that it is for internal use."""
    return scenario.spec.debt is not None


def mark_of(internal: bool, lang: str | None = None) -> str:
    """The mark of secrecy that every output bears."""
    return say("present.mark_internal" if internal else "present.mark_public")(lang)


def followed(new: dict[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
    """A summary that remembers what the last different run said.

    Parameters
    ----------
    new, old
        Summaries of one report, now and as it was found; None where there was none.
    """
    if not old or old.get("version") != VERSION:
        return new
    told = {key: old.get(key) for key in ("figures", "inputs", "facts")}
    same = all(told[key] == new[key] for key in told)
    return {**new, "previous": old.get("previous") if same else told}


def _figures(outcome: Outcome) -> dict[str, float]:
    found: dict[str, float] = {}
    if outcome.revenue is not None:
        ahead = outcome.revenue[outcome.revenue["kind"] == "forecast"]
        last, past = ahead.iloc[-1], outcome.revenue[outcome.revenue["kind"] != "forecast"]
        found["revenue_wan"] = float(last["scenario_wan"])
        found |= {name: float(last[column]) for name, column in
                  (("low_wan", "lo-80"), ("high_wan", "hi-80")) if column in ahead}  # fmt: skip
        start = float(past["linked_wan"].iloc[-1]) if len(past) else math.nan
        years = int(last["year"]) - int(past["year"].iloc[-1]) if len(past) else 0
        if start > 0 and years:
            found["growth_pct"] = ((found["revenue_wan"] / start) ** (1 / years) - 1) * 100
    if has_hidden(outcome.scenario) and "available_wan" in outcome.table:
        found["available_wan"] = float(outcome.table["available_wan"].sum())
    if outcome.plan is not None:
        plan = outcome.plan
        found |= {
            "hidden_wan": float(plan.opening_wan),
            "missing_wan": float(plan.shortfall_wan),
            "cost_wan": float(plan.cost_wan),
            "quota_wan": float(plan.quota_used_wan),
        }
    if outcome.risk is not None:
        ratio = outcome.risk.table["risk_ratio_pct"]
        found["ratio_before_pct"] = float(ratio.iloc[0])
        found["ratio_after_pct"] = float(ratio.iloc[-1])
    if outcome.commissions is not None:
        found["commissions_wan"] = int(outcome.commissions["fee_fen"].sum()) / 1e6
    return found


def _facts(outcome: Outcome) -> dict[str, Text]:
    facts: dict[str, Text] = {}
    plan = outcome.plan
    if plan is not None and plan.holds:
        facts["cleared"] = say("present.cleared", day=plan.cleared_on)
    elif plan is not None:
        facts["cleared"] = say("present.not_cleared", day=plan.deadline)
    if (tight := _tightest(outcome)) is not None:
        facts["tightest"] = Text.of(str(tight))
    if outcome.risk is not None:
        for name, at in (("grade_before", 0), ("grade_after", -1)):
            grade = str(outcome.risk.table["grade"].iloc[at])
            facts[name] = Text(label(grade, "zh", "debt"), label(grade, "en", "debt"))
    return facts


def _tightest(outcome: Outcome) -> int | None:
    """Year that misses most, else the one with the least of its money left at its end."""
    plan = outcome.plan
    if plan is None:
        balance = outcome.balance
        if balance is None or "available_wan" not in balance:
            return None
        left = balance["available_wan"] - balance["shortfall_wan"]
        return int(balance["year"].iloc[int(left.to_numpy().argmin())])
    if len(plan.shortfall):
        years = [day.year for day in plan.shortfall["date"]]
        return int(plan.shortfall.groupby(years)["amount_wan"].sum().idxmax())
    sources = plan.sources
    if not len(sources):
        return None
    money = sources.assign(year=sources["period"].astype(str).str[:4])
    by_year = money.groupby(["year", "source_id"]).agg(
        {"kept_wan": "last", "lapsed_wan": "sum", "used_wan": "sum"}
    ).groupby("year").sum()  # fmt: skip
    left = by_year["kept_wan"] + by_year["lapsed_wan"]
    # Of years that use up all they have, the one that needs most.
    order = by_year.assign(left=left.round(2), used=-by_year["used_wan"])
    return int(order.sort_values(["left", "used"]).index[0])


def _revenue(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    if "growth_pct" not in figures:
        return EMPTY
    return say("present.said_revenue", year=outcome.scenario.spec.years.last,
               amount=figures["revenue_wan"] / YI, growth=figures["growth_pct"])  # fmt: skip


def _clear(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    plan = outcome.plan
    if plan is None:
        return EMPTY
    if plan.status == "unknown":
        return Text.of(plan.brief[0])
    key = "present.said_clear" if plan.holds else "present.said_not_clear"
    return say(key, amount=plan.opening_wan / YI, day=plan.cleared_on or plan.deadline)


def _missing(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    plan = outcome.plan
    if plan is not None and len(plan.shortfall):
        by_year = plan.shortfall.groupby([day.year for day in plan.shortfall["date"]])
        parts = [
            say("present.in_year", year=int(year), amount=amount / YI)
            for year, amount in by_year["amount_wan"].sum().items()
        ]
        return say("present.said_missing", amount=figures["missing_wan"] / YI,
                   parts=Text.joined(parts, "、", ", "), year=facts["tightest"])  # fmt: skip
    if plan is not None and plan.holds:
        return say("present.said_enough", year=facts.get("tightest", Text.of("—")))
    balance = outcome.balance
    if balance is not None and "shortfall_wan" in balance:
        short = float(balance["shortfall_wan"].sum())
        key = "present.said_short" if short > 0 else "present.said_balanced"
        return say(key, amount=short / YI, year=facts["tightest"])
    if outcome.medium_term is not None:
        gap, years = _planned_gap(outcome)
        return (
            say("present.said_plan_short", amount=gap / YI, years=years)
            if gap
            else say("present.said_plan_balanced")
        )
    if outcome.target is not None and outcome.revenue is not None:
        gap = _target_gap(outcome)
        key = "present.said_below_target" if gap > 0 else "present.said_above_target"
        return say(key, year=outcome.target.target_year, amount=abs(gap) / YI)
    return EMPTY


def _cost(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    plan = outcome.plan
    if plan is not None and plan.holds:
        return say("present.said_cost", amount=plan.cost_wan / YI,
                   bonds=plan.bond_interest_wan / YI, life=plan.bond_life_wan / YI)  # fmt: skip
    if plan is not None:
        return say("present.said_no_cost")
    if "commissions_wan" in figures:
        return say("present.said_fees", amount=figures["commissions_wan"])
    return EMPTY


def _decide(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    plan = outcome.plan
    if plan is not None and plan.holds:
        own = float(plan.sources["used_wan"].sum()) if len(plan.sources) else 0.0
        key = "present.said_decide" if plan.quota_used_wan else "present.said_decide_own"
        return say(key, quota=plan.quota_used_wan / YI, own=own / YI)
    if plan is not None:
        return _apart(outcome) + _levers(outcome)
    balance = outcome.balance
    if balance is not None and float(balance.get("shortfall_wan", balance["year"] * 0).sum()) > 0:
        return say("present.said_close_gap")
    if outcome.medium_term is not None and _planned_gap(outcome)[0]:
        return say("present.said_close_plan")
    broken = getattr(outcome.guardrails, "found", ())
    if any(found.severity == "error" for found in broken):
        return say("present.said_guardrails")
    if outcome.target is not None and outcome.revenue is not None and _target_gap(outcome) > 0:
        return say("present.said_target", year=outcome.target.target_year)
    return say("present.said_budget")


def _levers(outcome: Outcome) -> Text:
    """The ways that would close the gap, to choose from."""
    zh, en = (outcome.plan.lever_table(lang) for lang in ("zh", "en"))
    parts = [
        say("present.lever", name=Text(label(a["lever"], "zh", "values"),
                                       label(a["lever"], "en", "values")),
            **_in_yi(float(a["amount"]), str(a["unit"]), str(b["unit"])))
        for a, b in zip(zh.to_dict("records"), en.to_dict("records"), strict=True)
        if a["closes"] and a["amount"] == a["amount"]
    ]  # fmt: skip
    if not parts:
        return say("present.said_no_lever")
    return say("present.said_choose", parts=Text.joined(parts[:3], "；", "; "))


def _apart(outcome: Outcome) -> Text:
    """That a plan takes nothing of what the balance leaves, where it leaves something."""
    debt, balance = outcome.scenario.spec.debt, outcome.balance
    if debt is None or debt.general_budget_source or balance is None:
        return EMPTY
    left = "available_wan" in balance and float(balance["available_wan"].sum()) > 0
    return say("present.said_not_connected") if left else EMPTY


def _in_yi(amount: float, zh: str, en: str) -> dict[str, Any]:
    """An amount with its unit, 万元 as 亿元."""
    if not zh.startswith("万元"):
        return {"amount": amount, "unit": Text(zh, en)}
    return {"amount": amount / YI,
            "unit": Text(zh.replace("万元", "亿元"), en.replace("万元", "亿元"))}  # fmt: skip


def _sure(outcome: Outcome, figures: Mapping[str, float], facts: Mapping[str, Text]) -> Text:
    said: list[Text] = []
    if "low_wan" in figures:
        said.append(say("present.said_band", year=outcome.scenario.spec.years.last,
                        low=figures["low_wan"] / YI, high=figures["high_wan"] / YI))  # fmt: skip
        said += outcome.coverage[:1]
    plan = outcome.plan
    if plan is not None:
        known = {"optimal": "present.said_proven", "infeasible": "present.said_proven_not"}
        said.append(say(known.get(plan.status, "present.said_unproven")))
    return Text.joined(said, "", " ") if said else say("present.said_unsure")


_SAID = {
    "revenue": _revenue, "clear": _clear, "missing": _missing, "cost": _cost, "decide": _decide,
    "sure": _sure,
}  # fmt: skip


def _target_gap(outcome: Outcome) -> float:
    assert outcome.revenue is not None
    rows = outcome.revenue[outcome.revenue["year"] == outcome.target.target_year]
    expected = float(rows["scenario_wan"].iloc[0]) if len(rows) else math.nan
    return float(outcome.target.target_value) - expected


def _planned_gap(outcome: Outcome) -> tuple[float, list[int]]:
    """What the medium-term plan is short of, in all, and in which years."""
    short = outcome.medium_term.table.query("shortfall_wan > 0.005")
    return float(short["shortfall_wan"].sum()), [int(year) for year in short["year"]]


def _alarms(outcome: Outcome) -> list[Text]:
    """Answers that warn: of made-up data and of another region's."""
    origin = outcome.scenario.origin
    count = bool(origin.synthetic) + bool(origin.foreign)
    return list(outcome.answers[:count])


def _place(part: str, where: str) -> Text:
    """Where a finding stands, in words: a year, an account, a project or a cell."""
    if where.isdigit():
        return say("present.of_year", year=where)
    return where_name(where) if part == "budgets" else Text.of(where)


def _both(text: Text, en: str | None = None) -> dict[str, str]:
    return {"zh": text("zh"), "en": text("en") if en is None else en}


def _question(key: str) -> Text:
    return say(f"present.question_{key}")
