"""The clearance plan (化债方案): hidden debt to 0 by the deadline, or why not."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.clearance import path as paths
from fiscalmodel.debt.clearance import tables, whatif
from fiscalmodel.debt.clearance.given import OBJECTIVES, Given, Options, read_given
from fiscalmodel.debt.clearance.path import Path
from fiscalmodel.debt.clearance.problem import Floats, Problem, build_problem
from fiscalmodel.debt.clearance.program import Program, Solution, optimise
from fiscalmodel.debt.clearance.rules import run_rule
from fiscalmodel.debt.ledger import Ledger
from fiscalmodel.errors import InputError
from fiscalmodel.tables.records import TableLike
from fiscalmodel.words import EMPTY, Text, batch_name, say

if TYPE_CHECKING:
    from fiscalmodel.display import Chart

#: A gap on more days than this is told by year.
MOST_DAYS = 4


@dataclass(frozen=True, repr=False)
class ClearancePlan:
    """A plan that clears hidden debt (隐性债务), or the reason why there is none.

    Money in 万元, on the days on which it moves.

    Attributes
    ----------
    status
        ``optimal`` (proven), ``feasible`` (a plan that keeps every term; `gap_pct` says how
        far it may be from the best, if that was sought), ``infeasible`` (proven that there
        is none) or ``unknown`` (neither was found within the limit of nodes).
    schedule
        ``period, contract_id, source_id, amount_wan, use, date``; use is interest, fee,
        principal, replacement, or interest and principal of the plan's own bonds. Only money
        that is there.
    shortfall
        ``period, contract_id, amount_wan, use, reason, date``: the latest schedule of further
        money with which the debt is cleared: least by its first day, then by the next, and so
        on. ``reason`` is money, or terms where the contract may not be repaid in time at all.
        By a rule or a given plan: what that plan lacks.
    """

    status: str
    given: Given = field(repr=False, compare=False)
    problem: Problem = field(repr=False, compare=False)
    path: Path = field(repr=False, compare=False)
    solved: Solution | None = field(repr=False, compare=False)
    schedule: pd.DataFrame
    shortfall: pd.DataFrame
    notes: tuple[Text, ...]

    # ---- money ----

    @property
    def rule(self) -> str:
        """Objective or order of payment."""
        return self.given.options.rule

    @property
    def opening_wan(self) -> float:
        """Hidden debt at `as_of` that is to be cleared."""
        return float(self.problem.principal.sum() - self.problem.stays.sum())

    @property
    def interest_wan(self) -> float:
        """Interest of the contracts up to the deadline."""
        return float(self.balances["interest_wan"].sum())

    @property
    def fee_wan(self) -> float:
        """Fees of early repayment and replacement."""
        return float(self.path.fee.sum()) / paths.FEN

    @property
    def bond_interest_wan(self) -> float:
        """Interest (and cost of issue) of the plan's bonds up to the deadline."""
        return paths.bond_interest(self.path)

    @property
    def bond_life_wan(self) -> float:
        """Interest (and cost of issue) of the plan's bonds over their whole life."""
        return round(float(self.problem.bond_life @ self.path.bonds)) / paths.FEN

    @property
    def cost_wan(self) -> float:
        """Interest and fees paid up to the deadline, those of the new bonds among them.

        Not a number where there is no plan.
        """
        if not self.holds:
            return float("nan")
        return self.interest_wan + self.fee_wan + self.bond_interest_wan

    @property
    def present_value_wan(self) -> float:
        """Present value of all payments, own money and service of bonds treated alike.

        At `discount_pct` from `as_of`; not a number without a rate or a plan.
        """
        if not self.holds or self.discount_pct != self.discount_pct:
            return float("nan")
        own = self.path.interest + self.path.principal + self.path.fee
        factor = self.problem.discount[self.problem.moves.when]
        return float(factor @ own + self.problem.bond_value @ self.path.bonds) / paths.FEN

    @property
    def cost(self) -> pd.DataFrame:
        """The three figures, each on its own line: ``cost, amount_wan``."""
        rows = [
            ("to_deadline", self.cost_wan),
            ("bond_interest", self.bond_life_wan if self.holds else float("nan")),
            ("present_value", self.present_value_wan),
        ]
        return pd.DataFrame(rows, columns=["cost", "amount_wan"])

    @property
    def discount_pct(self) -> float:
        """Rate of the present value, % a year; see `Given.discount_pct`."""
        return self.given.discount_pct

    @property
    def quota_used_wan(self) -> float:
        """Quota used."""
        return float(self.path.bonds.sum()) / paths.FEN

    @property
    def quota_lapsed_wan(self) -> float:
        """Quota that lapses unused up to the deadline."""
        return float(paths.quota_table(self.problem, self.path)["lapsed_wan"].sum())

    @property
    def shortfall_wan(self) -> float:
        """Further money that is needed in all by the latest schedule; 0 where the plan holds."""
        return float(self.shortfall["amount_wan"].sum())

    # ---- dates and proof ----

    @property
    def holds(self) -> bool:
        """Whether there is a plan."""
        return self.status in ("optimal", "feasible")

    @property
    def as_of(self) -> dt.date:
        """Day of the opening balances."""
        return self.given.as_of

    @property
    def deadline(self) -> dt.date:
        """Day by which hidden debt is to be 0."""
        return self.given.deadline

    @property
    def cleared_on(self) -> dt.date | None:
        """Day on which the last hidden debt is paid; None if it is not."""
        if not self.holds:
            return None
        p, m = self.problem, self.problem.moves
        owing = self.path.closing > paths.whole(p.stays)[m.who]
        last = np.zeros(len(p.contracts), dtype=np.int64)
        for i in range(len(p.contracts)):
            mine = np.flatnonzero(m.who == i)
            ahead = np.flatnonzero(owing[mine])
            k = min(int(ahead[-1]) + 1 if len(ahead) else 0, len(mine) - 1)
            last[i] = m.when[mine[k]] if p.principal[i] > p.stays[i] else 0
        return p.days[int(last.max())] if len(last) and p.days else self.given.opened

    @property
    def bound(self) -> float:
        """What no plan of this objective can be below, in the objective's own unit."""
        return float("nan") if self.solved is None else self.solved.bound

    @property
    def gap_pct(self) -> float:
        """How far the plan may at most be from the best, % of interest and fees to the deadline."""
        if self.solved is None or not self.holds:
            return float("nan")
        gap = max(self.solved.objective - self.solved.bound, 0.0)
        return gap / max(abs(self.cost_wan), 1e-9) * 100 if gap > 1e-9 else 0.0

    @property
    def solver_seconds(self) -> float:
        """Seconds in the solver."""
        return 0.0 if self.solved is None else self.solved.seconds

    # ---- tables ----

    @cached_property
    def balances(self) -> pd.DataFrame:
        """Closing balances and flows by period.

        ``period, hidden_wan, statutory_wan, by_contract_wan, total_wan, interest_wan,
        bond_interest_wan, principal_wan, replaced_wan``. Total = hidden + statutory + by
        contract, since replacement (置换) converts debt and does not reduce it. Where there
        is no plan, what happens without the missing money: it stays owed and bears interest.
        """
        return paths.balance_table(self.problem, self.path, self.shortfall)

    @property
    def by_year(self) -> pd.DataFrame:
        """`balances` by year: closing balances of its last period, flows of all."""
        b = self.balances
        rows = b.groupby(b["period"].astype(str).str[:4], sort=True)
        stocks = ["hidden_wan", "statutory_wan", "by_contract_wan", "total_wan"]
        made = rows[list(b.columns.drop("period"))].sum()
        made[stocks] = rows[stocks].last()
        return made.rename_axis("period").reset_index()

    @property
    def table(self) -> pd.DataFrame:
        """Opening + unpaid interest − repaid − replaced = closing of hidden debt, by year."""
        b = self.by_year
        made = b[["period", "principal_wan", "replaced_wan", "hidden_wan", "interest_wan",
                  "bond_interest_wan"]].copy()  # fmt: skip
        made.insert(1, "opening_wan", b["hidden_wan"].shift(1, fill_value=self.opening_wan))
        gone = made["principal_wan"] + made["replaced_wan"]
        unpaid = made["hidden_wan"] + gone - made["opening_wan"]
        if (unpaid * paths.FEN > 0.5).any():
            made.insert(2, "unpaid_interest_wan", unpaid)
        names = {"period": "year", "principal_wan": "repaid_wan", "hidden_wan": "closing_wan"}
        return made.rename(columns=names)

    @cached_property
    def by_contract(self) -> pd.DataFrame:
        """Debt that stays beyond the deadline by contract, with its interest up to it."""
        p = self.problem
        interest = paths.by_period(p, self.path.accrued).sum(axis=1) / paths.FEN
        rows = [
            (c.contract_id, p.stays[i], c.rate_pct, c.maturity, float(interest[i]), p.stays[i])
            for i, c in enumerate(p.contracts) if p.stays[i] > 0
        ]  # fmt: skip
        columns = ["contract_id", "principal_wan", "rate_pct", "maturity", "interest_wan",
                   "closing_wan"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def contracts(self) -> pd.DataFrame:
        """Roll-forward of each contract.

        ``period, contract_id, opening_wan, interest_wan, unpaid_interest_wan, principal_wan,
        replaced_wan, closing_wan``: opening + unpaid interest − principal − replaced = closing.
        """
        return paths.contract_table(self.problem, self.path, self.shortfall)

    @cached_property
    def payments(self) -> pd.DataFrame:
        """The 逐笔 table: every payment with its debtor, creditor and project, codes last."""
        named = self.given.ledger.table[["contract_id", "debtor", "creditor", "project"]]
        made = self.schedule.merge(named, how="left", on="contract_id")
        made[["debtor", "creditor", "project"]] = made[["debtor", "creditor", "project"]].fillna("")
        year = made["date"].map(lambda day: day.year)
        made = made.assign(year=year, source_name=self.given.source_names(made["source_id"]))
        return made[
            ["year", "date", "debtor", "creditor", "project", "use", "amount_wan", "source_name",
             "source_id", "contract_id"]
        ]  # fmt: skip

    @cached_property
    def sources(self) -> pd.DataFrame:
        """Money by period: ``period, source_id, available_wan, used_wan, kept_wan, lapsed_wan``."""
        return paths.source_table(self.problem, self.path)

    @cached_property
    def by_source(self) -> pd.DataFrame:
        """来源: money and quota by source and year: available, used, left, lapsed."""
        own = self.sources.assign(year=self.sources["period"].astype(str).str[:4])
        sums = {"available_wan": "sum", "used_wan": "sum", "kept_wan": "last", "lapsed_wan": "sum"}
        own = own.groupby(["year", "source_id"], sort=False, as_index=False).agg(sums)
        quota = paths.quota_table(self.problem, self.path)
        quota = quota.assign(year=quota["period"].str[:4]).drop(columns="period")
        parts = [part for part in (own, quota) if len(part)]
        made = pd.concat(parts) if parts else own
        made = made.sort_values("year", kind="stable", ignore_index=True)
        made["source_name"] = self.given.source_names(made["source_id"])
        return made[["year", "source_name", "source_id", *sums]]

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Hidden debt from the opening to the end, by kind of money: ``step, kind, amount_wan``."""
        unpaid = float(self.contracts["unpaid_interest_wan"].sum()) if len(self.contracts) else 0.0
        return tables.waterfall(self.given, self.schedule, self.opening_wan, unpaid)

    def funding(self, uses: tuple[str, ...] | None = None) -> pd.DataFrame:
        """Money by period and category, for some uses or all."""
        return tables.funding(self.given, self.schedule, list(self.problem.labels), uses)

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """Contract, source and use by period."""
        return tables.matrix(self.schedule, list(self.problem.labels))

    @cached_property
    def register(self) -> pd.DataFrame:
        """The planned replacement register 置换台账, each batch at its own rate."""
        return tables.planned_register(self.given, self.schedule)

    @cached_property
    def shadow_prices(self) -> pd.DataFrame:
        """``kind, name, period, saving_wan``; empty unless this is a plan with an objective.

        What one more 万元 of a source's cap (before its haircut) or of a quota would save in
        interest and fees to the deadline (in present value under that objective). With
        minimum instalments: as long as the same ones apply.
        """
        return pd.DataFrame(self._prices, columns=["kind", "name", "period", "saving_wan"])

    @cached_property
    def _priced(self) -> Solution | None:
        """The plan solved for its prices: the quota that it uses is kept, interest made least."""
        if self.solved is None or not self.holds or not len(self.problem.moves.who):
            return None
        program = Program(self.problem)
        objective = self.rule if self.rule == "least_present_value" else "least_interest"
        cost, fixed = program.objective(objective)
        there = program.columns["open"] >= 0
        whole = (self.solved.values["open"] > 0.5)[there] if there.any() else None
        rows: tuple[tuple[Floats, float], ...] = ()
        if self.rule == "quota_first" and len(self.problem.draw_quota):
            used = np.zeros(program.size)
            used[program.columns["bonds"]] = -1.0
            rows = ((used, -float(self.solved.values["bonds"].sum()) + 1e-7),)
        found = program.solve(cost, fixed, rows=rows, whole=whole)
        return found if found.found else None

    @cached_property
    def _prices(self) -> list[tuple[str, str, str, float]]:
        s, p = self._priced, self.problem
        if s is None:
            return []
        flat = s.prices["money"].reshape(p.cap.shape)
        saving = np.zeros(len(self.given.sources))
        for row, k, t, share in p.shares:
            saving[row] += share * flat[k, t] * (1 - self.given.sources[row].haircut_pct / 100)
        sources = [
            ("source", x.source_id, x.period, float(saving[k]))
            for k, x in enumerate(self.given.sources)
        ]
        quotas = [
            ("quota", f"replacement {x.name}", x.period, float(s.prices["quota"][q]))
            for q, x in enumerate(self.given.quotas)
        ]
        return sources + quotas

    @cached_property
    def alternatives(self) -> pd.DataFrame:
        """What each objective costs and uses: the three figures, quota, own money."""
        rows = []
        for name in OBJECTIVES:
            if name == "least_present_value" and self.discount_pct != self.discount_pct:
                continue
            other = self if name == self.rule else _planned(self.given, self.problem, name)
            own = other.sources["used_wan"].sum()
            rows.append((name, other.status, other.cost_wan, other.bond_life_wan,
                         other.present_value_wan, other.quota_used_wan, float(own)))  # fmt: skip
        columns = ["objective", "status", "cost_wan", "bond_life_wan", "present_value_wan",
                   "quota_used_wan", "own_money_wan"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    # ---- what is missing, what would help, what would break it ----

    @cached_property
    def least_shortfall(self) -> pd.DataFrame:
        """The schedule of further money with the least total, as `shortfall`."""
        if self.holds or self.solved is None:
            return self.shortfall
        found = whatif.least_total(self.problem)
        if not found.found:
            return self.shortfall
        return paths.allot(self.problem, paths.from_solution(self.problem, found))[1]

    @cached_property
    def levers(self) -> pd.DataFrame:
        """What would close the gap, alone and in pairs: ``lever, amount, unit, closes, detail``."""
        return self.lever_table("en")

    def lever_table(self, lang: str | None = None) -> pd.DataFrame:
        """The levers with units and details in one language; empty where there is no gap."""
        return whatif.lever_table(self._levers, lang)

    @cached_property
    def _levers(self) -> tuple[whatif.Lever, ...]:
        return () if self.holds else whatif.levers(self.given, self.problem)

    @cached_property
    def targets(self) -> pd.DataFrame:
        """Smallest even effort, latest start, earliest clearance: ``target, value, unit``."""
        return whatif.targets(self.given, self.problem)

    @cached_property
    def break_points(self) -> pd.DataFrame:
        """The shock at which the plan just fails; see `fiscalmodel.break_points`."""
        return whatif.breaks(self.given, self.problem, {})

    # ---- words ----

    @property
    def answer(self) -> tuple[Text, ...]:
        """The answer, its cost on three lines, and what happens to the quota."""
        if self.status == "unknown":
            return (say("debt.answer.unknown", opening=self.opening_wan, deadline=self.deadline),)
        if self.status == "infeasible":
            return (self._missing(), *self._least())
        told = [say("debt.answer.cleared", opening=self.opening_wan, day=self.cleared_on)]
        if self.rule in OBJECTIVES:
            proof = "debt.answer.proven" if self.status == "optimal" else "debt.answer.open"
            told.append(say(f"debt.objective.{self.rule}") + say(proof, gap=self.gap_pct))
        told.append(self._cost())
        if self.quota_used_wan:
            told.append(say("debt.cost.bond_interest", amount=self.bond_life_wan,
                            every=self.given.coupons))  # fmt: skip
        if self.present_value_wan == self.present_value_wan:
            told.append(say("debt.cost.present_value", amount=self.present_value_wan,
                            rate=self.discount_pct))  # fmt: skip
        if self.given.quotas:
            told.append(say("debt.answer.quota", used=self.quota_used_wan,
                            lapsed=self.quota_lapsed_wan))  # fmt: skip
        if stays := float(self.problem.stays.sum()):
            told.append(say("debt.answer.stays", amount=stays))
        return tuple(told)

    @property
    def brief(self) -> tuple[Text, ...]:
        """The answer and, where debt is cleared, its cost up to the deadline."""
        if self.status in ("unknown", "infeasible"):
            return self.answer[:1]
        return (self.answer[0], self._cost())

    def _cost(self) -> Text:
        return say("debt.cost.to_deadline", amount=self.cost_wan, own=self.interest_wan,
                   fees=self.fee_wan, bonds=self.bond_interest_wan)  # fmt: skip

    def sentence(self, lang: str = "zh") -> str:
        """The answer in one paragraph, Chinese or English (``en``).

        Raises
        ------
        InputError
            For any other language.
        """
        if lang not in ("zh", "en"):
            raise InputError("lang", "debt.unknown_option", text=lang, known=["zh", "en"])
        return ("" if lang == "zh" else " ").join(text(lang) for text in self.answer)

    def _missing(self) -> Text:
        """Money needed, by when; and apart from it what no money could repay in time."""
        money = self.shortfall[self.shortfall["reason"] == "money"]
        stuck = float(self.shortfall.loc[self.shortfall["reason"] != "money", "amount_wan"].sum())
        parts = []
        if len(money):
            parts.append(say("debt.answer.needed", amount=amount_text(money["amount_wan"].sum()),
                             when=_when(money)))  # fmt: skip
        if stuck > 0:
            parts.append(say("debt.answer.stuck", amount=stuck))
        names = list(dict.fromkeys(self.shortfall["contract_id"]))
        key = "debt.answer.on_more" if len(names) > 3 else "debt.answer.on"
        return say(
            "debt.answer.not_cleared",
            opening=self.opening_wan,
            deadline=self.deadline,
            parts=Text.joined(parts),
            on=say(key, names=[batch_name(name) for name in names[:3]], count=len(names)),
        )

    def _least(self) -> tuple[Text, ...]:
        """The least total, where it is another schedule than the latest one."""
        if self.solved is None or self.rule not in OBJECTIVES:
            return ()
        least = self.least_shortfall
        total = float(least["amount_wan"].sum())
        if abs(total - self.shortfall_wan) < whatif.FEN_WAN * 10:
            return ()
        return (say("debt.answer.least_total", amount=amount_text(total), when=_when(least)),)

    def __repr__(self) -> str:
        return "\n".join(map(str, self.answer))

    def _repr_html_(self) -> str:
        from fiscalmodel.display import result_html

        return result_html(self.answer, self.table)

    def plot(self, kind: str = "waterfall", lang: str | None = None) -> Chart:
        """A chart of the plan: ``waterfall``, ``sources``, ``obligations``, ``contracts``, ``gap``.

        Raises
        ------
        InputError
            For any other kind.
        """
        from fiscalmodel.debt.charts import CHARTS

        if kind not in CHARTS:
            raise InputError("kind", "debt.unknown_option", text=kind, known=list(CHARTS))
        return CHARTS[kind](self, lang)


def amount_text(amount: float) -> Text:
    """An amount in 万元 to two decimals, one below 50 元 in 元.

    >>> amount_text(12.5)("en"), amount_text(1e-6)("en")
    ('12.50 万元', '0.01 元')
    """
    if 0 < amount < 0.005:
        return say("debt.amount_yuan", amount=amount * 10_000)
    return say("debt.amount_wan", amount=amount)


def _when(rows: pd.DataFrame) -> Text:
    by_day = rows.groupby("date")["amount_wan"].sum()
    by_day = by_day[by_day > whatif.FEN_WAN / 2]
    if len(by_day) <= MOST_DAYS:
        parts = [say("debt.answer.by_day", amount=a, day=d) for d, a in by_day.items()]
    else:
        by_year = by_day.groupby([day.year for day in by_day.index]).sum()
        parts = [say("debt.answer.by_year", amount=a, year=y) for y, a in by_year.items()]
    return Text.joined(parts, "、", ", ")


def plan_clearance(
    ledger: TableLike | Ledger,
    sources: TableLike,
    quotas: TableLike | None = None,
    *,
    as_of: Any,
    deadline: Any = "2028-12-31",
    rule: str = "quota_first",
    discount_pct: float | None = None,
    frequency: str = "month",
    day_count: str = "30/360",
    reserved: TableLike | Mapping[Any, float] | None = None,
    limits: TableLike | None = None,
    given: TableLike | None = None,
    custom: TableLike | None = None,
    minimums: bool = True,
    capitalise: bool = False,
    bond_service: bool = True,
    stated_total_wan: float | None = None,
    statutory_wan: float = 0.0,
    special_wan: float = 0.0,
    special_headroom_wan: float | None = None,
    reserve_pct: float = 0.0,
) -> ClearancePlan:
    """Plan how hidden debt (隐性债务) is cleared by the deadline.

    Parameters
    ----------
    ledger
        Hidden debt, as `read_hidden_ledger` takes it, or a `Ledger`. A contract is repaid
        early only if ``prepayable``, replaced only if ``replaceable``, neither where the
        creditor's ``consent`` is no; ``extendable_to`` lets what is due at maturity wait;
        ``min_instalment_wan`` is the least cash on a day of payment. ``by_contract`` keeps
        shantytown debt due in 2029 or later, whose earlier instalments count.
    sources
        One row a source and period: ``source_id, period, cap_wan``; optional ``category,
        name, available_from, haircut_pct, earmark, carry``. A cap pays principal, interest
        and fees. It comes in evenly at the ends of its period's months, or all on
        ``available_from``, and lapses at the end of the year unless it may ``carry``.
        Earmarks are contract ids or categories, separated by ``;``.
    quotas
        Replacement quota by batch: ``period, quota_wan, rate_pct``; optional ``batch``,
        ``kind`` (置换再融资专项债, 特殊新增专项债), ``available_from``, ``tenor_years`` (10),
        ``repayment`` (bullet), ``frequency`` of the coupons (a year), ``used_wan``,
        ``issue_cost_pct``. Usable from its day to the end of its period.
    as_of
        Day of the ledger's balances: its close, or the opening of a month's first. A contract
        that states its frequency or ``interest_paid_to`` pays on its next day of payment what
        accrued before it too; elsewhere that is taken as paid, and said.
    deadline
        Day by which hidden debt is 0; ``clear_by`` of a contract may be earlier.
    rule
        ``quota_first`` (most quota, then least interest: quota is allotted by year, lapses
        and costs no cash of the budget), ``least_interest`` (to the deadline),
        ``least_present_value`` (``least_cost`` in older files), or an order of payment:
        ``highest_rate_first``, ``earliest_maturity_first``, ``pro_rata``, ``given``.
    discount_pct
        Yearly rate of present values; None: mean yield of the batches, cost of issue
        included, weighted by their amounts.
    frequency
        ``month``, ``quarter`` or ``year``: how often the plan may decide. Days that contracts
        or dated money name are kept in each of them.
    day_count
        Of contracts that state none; 30/360 counts whole months.
    reserved
        What ranks before: ``period, need_wan``; optional ``item``, ``budget`` (general or
        fund), ``inside`` (already inside the spending line). None: the sources are net of it.
    limits
        Debt limits ``year, general_limit_wan, special_limit_wan``, raised by each quota as
        it comes; a balance above its limit is told and blocks new bonds only.
    given
        For rule ``given``: ``period`` or ``date``, ``contract_id, amount_wan`` and optionally
        ``use`` (principal or replacement). Interest is paid besides.
    custom
        Principal dates ``contract_id, date, principal_wan`` of contracts with agreed dates.
    minimums
        Whether minimum instalments apply (mixed-integer where there are any).
    capitalise
        Whether interest that is not paid is added to the balance: that would be new hidden
        debt, for comparison only.
    bond_service
        Whether the plan's sources pay the service of its bonds up to the deadline.
    stated_total_wan
        Balance that the ledger has to add up to.
    statutory_wan, special_wan, special_headroom_wan
        Statutory debt and special debt at `as_of`; how much more special debt may be issued.
    reserve_pct
        Share of land and project income that goes to the debt-service reserve fund.

    Returns
    -------
    ClearancePlan
        Also where there is no plan: then with the latest and the least schedule of further
        money, the balances if it does not come, and the levers that would close the gap.

    Raises
    ------
    InputError
        For bad input, every problem at once.

    Notes
    -----
    Interest = balance × rate × day count since the last day of payment; what is repaid or
    replaced between two such days settles its own interest with it (利随本清). A coarser
    frequency may decide on fewer days and is otherwise the same, so that what it finds is a
    plan of the finer one.

    Source: package of 8 November 2024 (limit, quota and shantytown rule).

    Examples
    --------
    >>> plan = plan_clearance(
    ...     [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 5.0, "prepayable": True}],
    ...     [{"source_id": "budget", "period": 2027, "cap_wan": 60.0},
    ...      {"source_id": "budget", "period": 2028, "cap_wan": 60.0}],
    ...     as_of="2026-12-31", frequency="year",
    ... )
    >>> plan.status, round(plan.cost_wan, 2)
    ('optimal', 7.25)
    """
    options = Options(
        as_of, deadline, rule, discount_pct, frequency, day_count, minimums, capitalise,
        bond_service, stated_total_wan, statutory_wan, special_wan, special_headroom_wan,
        reserve_pct,
    )  # fmt: skip
    checked = read_given(
        ledger, sources, quotas, options, reserved=reserved, limits=limits, given=given,
        custom=custom,
    )  # fmt: skip
    return solve_given(checked)


def solve_given(given: Given) -> ClearancePlan:
    """The plan of checked input.

    Raises
    ------
    InputError
        Where least present value is asked for and there is no rate.
    """
    if given.options.rule == "least_present_value" and given.discount_pct != given.discount_pct:
        raise InputError("discount_pct", "debt.no_rate")
    plan = next((plan for known, plan in tuple(_solved) if known.same(given)), None)
    if plan is None:
        plan = _planned(given, build_problem(given), given.options.rule)
        _solved.appendleft((given, plan))
    frames = {name: getattr(plan, name).copy() for name in ("schedule", "shortfall")}
    return replace(plan, **frames)


#: The last inputs with their plans: scenarios that differ in revenue may owe and pay the same.
_solved: deque[tuple[Given, ClearancePlan]] = deque(maxlen=2)


def _planned(given: Given, problem: Problem, rule: str) -> ClearancePlan:
    if given.options.rule != rule:
        given = replace(given, options=replace(given.options, rule=rule))
        problem = replace(problem, given=given)
    if rule not in OBJECTIVES:
        return _assemble(given, problem, run_rule(problem, rule), None, "feasible")
    solved = optimise(problem, rule)
    if solved.found:
        return _assemble(given, problem, paths.from_solution(problem, solved), solved,
                         solved.status)  # fmt: skip
    missing = whatif.latest(problem)
    if solved.status == "unknown" or not missing.found:
        path = run_rule(problem, "highest_rate_first")
        given = replace(given, notes=(*given.notes, say("debt.clearance.stopped")))
        return _assemble(given, problem, path, solved, "unknown")
    return _assemble(given, problem, paths.from_solution(problem, missing), missing, "infeasible")


def _assemble(
    given: Given, problem: Problem, path: Path, solved: Solution | None, status: str
) -> ClearancePlan:
    """All tables of a path; a gap below one 分 is no gap."""
    schedule, shortfall = paths.allot(problem, path)
    notes = [*given.notes, *problem.notes]
    gap = float(shortfall["amount_wan"].sum())
    if gap < whatif.FEN_WAN * 1.5:
        shortfall = shortfall.iloc[:0]
        status = "optimal" if status == "infeasible" else status
        status = "feasible" if status == "unknown" else status
    elif status == "feasible" and solved is None:
        status = "infeasible"
        if given.options.rule == "given":
            shortfall = _not_planned(problem, shortfall)
        else:
            notes.append(say("debt.clearance.no_foresight", rule=given.options.rule))
    elif status == "optimal":
        status = "unknown"  # no plan that the money pays
    if status == "unknown":
        shortfall = shortfall.iloc[:0]
    notes += _notes(given, problem, path, schedule, shortfall)
    made = ClearancePlan(
        status, given, problem, path, solved, schedule, shortfall, tuple(dict.fromkeys(notes))
    )
    return replace(made, notes=(*made.notes, *_left_after(made)))


def _left_after(plan: ClearancePlan) -> Iterator[Text]:
    """Own money that lapses after the gap: the plan has no use for it where the gap is closed."""
    if not len(plan.shortfall):
        return
    first = min(plan.shortfall["date"])
    rows = plan.by_source[plan.by_source["source_id"].isin(plan.problem.pool_names)]
    left = float(rows.loc[rows["year"].astype(int) >= first.year, "lapsed_wan"].sum())
    if left > whatif.FEN_WAN:
        yield say("debt.clearance.left_after", year=first.year, amount=left)


def _notes(
    given: Given, p: Problem, path: Path, schedule: pd.DataFrame, shortfall: pd.DataFrame
) -> list[Text]:
    """What a reader should know about the money of bonds, kept debt and fees."""
    notes: list[Text] = []
    due = paths.bond_interest(path)
    if due and not given.options.bond_service:
        notes.append(say("debt.clearance.service_besides", amount=due, every=given.coupons))
    elif due:
        paid, short = (t[t["use"].eq("bond_interest")] for t in (schedule, shortfall))
        land = {name for name, kind in zip(p.pool_names, p.kinds, strict=True) if kind == "land"}
        fund = paid["amount_wan"].where(paid["source_id"].isin(land), 0.0).sum()
        amount = paid["amount_wan"].sum()
        said = say("debt.clearance.service", every=given.coupons, amount=amount, fund=fund,
                   transfer=amount - fund)  # fmt: skip
        notes.append(said + _lacking(short["amount_wan"].sum()))
    if p.stays.any():
        kept = [c.contract_id for i, c in enumerate(p.contracts) if p.stays[i] > 0]
        paid, short = (
            t[t["use"].eq("interest") & t["contract_id"].isin(kept)] for t in (schedule, shortfall)
        )
        sums = paid.groupby("contract_id")["amount_wan"].sum().reindex(kept, fill_value=0.0)
        parts = [say("debt.clearance.kept_part", name=n, amount=a) for n, a in sums.items()]
        notes.append(say("debt.clearance.kept", parts=Text.joined(parts))
                     + _lacking(short["amount_wan"].sum()))  # fmt: skip
    notes += [*_fees(p, path), *_overdue_last(p, path)]
    for c in p.contracts:
        until = min(c.maturity or given.deadline, given.deadline)
        years = max((until - given.as_of).days / 365.25, 0.0)
        if c.prepayable and c.prepay_fee_pct > 0 and c.prepay_fee_pct >= c.rate_pct * years:
            notes.append(say("debt.clearance.fee_above", name=c.contract_id, fee=c.prepay_fee_pct,
                             saved=c.rate_pct * years))  # fmt: skip
    return notes


def _lacking(amount: float) -> Text:
    """That a part of it is not paid but missing; empty where nothing is."""
    return say("debt.clearance.lacking", amount=amount) if amount > 0 else EMPTY


def _fees(p: Problem, path: Path) -> list[Text]:
    """The fees of each contract: on what is repaid early, and on what is replaced."""
    early = np.maximum(path.principal - paths.whole(p.moves.scheduled), 0)
    bases = {"early": (p.moves.fee, early), "replaced": (p.moves.swap_fee, path.replaced)}
    parts = []
    for what, (rate, base) in bases.items():
        for i in np.unique(p.moves.who[(rate > 0) & (base > 0)]):
            mine = (p.moves.who == i) & (rate > 0)
            pct, amount = float(rate[mine].max()) * 100, float(base[mine].sum()) / paths.FEN
            if (fee := amount * pct / 100) >= 0.005:
                parts.append(say(f"debt.clearance.fee_{what}", name=p.contracts[i].contract_id,
                                 rate=pct, amount=amount, fee=fee))  # fmt: skip
    return [say("debt.clearance.fees", parts=Text.joined(parts, "、", ", "))] if parts else []


def _overdue_last(p: Problem, path: Path) -> Iterator[Text]:
    """Overdue debt that is paid after other debt was repaid early, which is cheaper."""
    m, overdue = p.moves, np.array([c.overdue for c in p.contracts], dtype=bool)
    early = (path.principal > paths.whole(m.scheduled)) & m.early & ~overdue[m.who]
    first = m.when[early].min(initial=len(p.days))
    late = (path.principal > 0) & overdue[m.who] & (m.when > first)
    for i in np.unique(m.who[late]):
        day = p.days[int(m.when[late & (m.who == i)].max())]
        yield say("debt.clearance.overdue_last", name=p.contracts[i].contract_id, day=day)


def _not_planned(p: Problem, shortfall: pd.DataFrame) -> pd.DataFrame:
    """In a given plan, what terms do not forbid is simply not planned."""
    m = p.moves
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    free = {
        (int(i), p.days[e]): bool(np.isinf(limit))
        for i, e, limit in zip(m.who, m.when, m.limit, strict=True)
    }
    reasons = [
        "not planned" if reason == "terms" and free.get((row[name], day)) else reason
        for name, day, reason in zip(
            shortfall["contract_id"], shortfall["date"], shortfall["reason"], strict=True
        )
    ]
    return shortfall.assign(reason=reasons)


def break_points(
    ledger: TableLike | Ledger,
    sources: TableLike,
    quotas: TableLike | None = None,
    *,
    as_of: Any,
    exposure: Mapping[str, Mapping[str, float]] | None = None,
    lang: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The shock at which clearing by the deadline just becomes impossible, each alone.

    Parameters
    ----------
    ledger, sources, quotas, as_of, options
        As for `plan_clearance`.
    exposure
        Shock -> source id -> how many percent the source falls when the shock is one
        percent, for sources that depend on it in part, as ``{"land_revenue": {"FS-GPB":
        0.3}}``. Without it a shock of land revenue, transfers, fiscal funds or disposal
        prices lowers the sources of that kind one for one, told by their category.
    lang
        Language of the details.

    Returns
    -------
    DataFrame
        ``shock, break_point, unit, outcome, detail``: a fall in %, a quota delay in months
        (the longest that the plan survives), a rise of all contract rates in basis points.
        ``outcome`` is ``fails_beyond``, ``survives_all`` (even the largest shock looked at),
        ``none_to_shock`` or ``fails_already``.

    Raises
    ------
    InputError
        For bad input, as `plan_clearance`.
    """
    plan = plan_clearance(ledger, sources, quotas, as_of=as_of, **options)
    return whatif.breaks(plan.given, plan.problem, exposure or {}, lang)
