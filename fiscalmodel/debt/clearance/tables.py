"""A schedule of payments seen from further sides: by kind of money, and as a register."""

from __future__ import annotations

import pandas as pd

from fiscalmodel.debt.clearance.given import Given

#: Category of what replaces debt rather than repays it.
REPLACEMENT = "replacement"
REGISTER_COLUMNS = [
    "contract_id", "debtor", "creditor", "project", "old_rate_pct", "old_maturity", "batch",
    "bond_rate_pct", "bond_tenor_years", "bond_start", "replaced_wan", "status",
]  # fmt: skip


def with_category(given: Given, schedule: pd.DataFrame) -> pd.DataFrame:
    """The schedule with the category of each source."""
    category = {s.source_id: s.category for s in given.sources}
    return schedule.assign(category=[
        REPLACEMENT if use == "replacement" else category.get(str(name), str(name))
        for name, use in zip(schedule["source_id"], schedule["use"], strict=True)
    ])  # fmt: skip


def waterfall(given: Given, schedule: pd.DataFrame, opening: float, unpaid: float) -> pd.DataFrame:
    """Hidden debt from the opening to the end of the plan, step by step.

    Returns
    -------
    DataFrame
        ``step, kind, amount_wan``: ``opening``, then what each category repaid or replaced
        (negative), ``unpaid_interest`` added to balances where it was, and ``closing``; the
        steps add up to the closing balance.
    """
    table = with_category(given, schedule)
    repaid = table[table["use"].isin(["principal", "replacement"])]
    sums = repaid.groupby("category", sort=False)["amount_wan"].sum().sort_values(ascending=False)
    rows: list[tuple[str, str, float]] = [("opening", "balance", opening)]
    if unpaid > 1e-6:
        rows.append(("unpaid_interest", "change", unpaid))
    rows += [(str(name), "change", -float(amount)) for name, amount in sums.items()]
    closing = sum(amount for _, _, amount in rows)
    # What rounding leaves is shown as 0.
    rows.append(("closing", "balance", 0.0 if abs(closing) < 1e-6 * len(schedule) else closing))
    return pd.DataFrame(rows, columns=["step", "kind", "amount_wan"])


def funding(
    given: Given, schedule: pd.DataFrame, periods: list[str], uses: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Money by period (rows) and category (columns), 万元, with its total."""
    table = with_category(given, schedule)
    if uses is not None:
        table = table[table["use"].isin(uses)]
    wide = table.pivot_table(
        index="period", columns="category", values="amount_wan", aggfunc="sum", fill_value=0.0
    )
    wide = wide.reindex(periods, fill_value=0.0)
    order = wide.sum().sort_values(ascending=False).index
    wide = wide[[c for c in order if c != REPLACEMENT] + [c for c in order if c == REPLACEMENT]]
    wide["total_wan"] = wide.sum(axis=1)
    return wide.rename_axis(columns=None).rename_axis("period").reset_index()


def matrix(schedule: pd.DataFrame, periods: list[str]) -> pd.DataFrame:
    """Contract, source and use (rows) by period (columns), 万元: the whole plan on one sheet."""
    wide = schedule.pivot_table(
        index=["contract_id", "source_id", "use"], columns="period", values="amount_wan",
        aggfunc="sum", fill_value=0.0,
    )  # fmt: skip
    return wide.reindex(columns=periods, fill_value=0.0).rename_axis(columns=None).reset_index()


def planned_register(given: Given, schedule: pd.DataFrame) -> pd.DataFrame:
    """The replacement register 置换台账 that follows from a plan: one row a contract and batch.

    Returns
    -------
    DataFrame
        ``order`` and `REGISTER_COLUMNS`; every row is ``planned``, with the rate and tenor of
        its own batch. Rows go by day, then by rate from the highest.
    """
    table = schedule[schedule["use"].eq("replacement")]
    batch = {f"replacement {q.name}": q for q in given.quotas}
    known = {c.contract_id: c for c in given.contracts}
    sums = table.groupby(["date", "contract_id", "source_id"], as_index=False)["amount_wan"].sum()
    rows = []
    for day, name, source, amount in sums.itertuples(index=False):
        c, q = known[name], batch[source]
        rows.append((name, c.debtor, c.creditor, c.project, c.rate_pct, c.maturity, q.name,
                     q.rate_pct, q.tenor_years, day, float(amount), "planned"))  # fmt: skip
    made = pd.DataFrame(rows, columns=REGISTER_COLUMNS).sort_values(
        ["bond_start", "old_rate_pct", "contract_id"], ascending=[True, False, True],
        ignore_index=True,
    )  # fmt: skip
    made.insert(0, "order", range(1, len(made) + 1))
    return made
