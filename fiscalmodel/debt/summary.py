"""A clearance plan in a few tables: the waterfall of hidden debt, money by kind, the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.debt.schedule import add_months

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_result import ClearancePlan

#: Category of what replaces debt rather than repays it.
REPLACEMENT = "replacement"
#: What names a row of the matrix.
MATRIX_KEYS = ["contract_id", "source_id", "use"]


def _with_category(plan: ClearancePlan) -> pd.DataFrame:
    """The schedule with the category of each source."""
    category = {s.source_id: s.category for s in plan.given.sources}
    table = plan.schedule.copy()
    table["category"] = [
        REPLACEMENT if use == "replacement" else category.get(str(name), str(name))
        for name, use in zip(table["source_id"], table["use"], strict=True)
    ]
    return table


def waterfall(plan: ClearancePlan) -> pd.DataFrame:
    """Hidden debt from the opening to the end of the plan, step by step.

    Returns
    -------
    DataFrame
        ``step, kind, amount_wan``: ``opening``, then what each category repaid
        or replaced (negative), ``unpaid_interest`` added to balances where it
        was, and ``closing``; the steps add up to the closing balance.
    """
    table = _with_category(plan)
    repaid = table[table["use"].isin(["principal", "replacement"])]
    sums = repaid.groupby("category", sort=False)["amount_wan"].sum().sort_values(ascending=False)
    added = float(plan.contracts["unpaid_interest_wan"].sum()) if len(plan.contracts) else 0.0
    rows: list[tuple[str, str, float]] = [("opening", "balance", plan.opening_wan)]
    if added:
        rows.append(("unpaid_interest", "change", added))
    rows += [(str(name), "change", -float(amount)) for name, amount in sums.items()]
    closing = sum(amount for _, _, amount in rows)
    # What rounding of the solver leaves is shown as 0.
    rows.append(("closing", "balance", 0.0 if abs(closing) < 1e-6 else closing))
    return pd.DataFrame(rows, columns=["step", "kind", "amount_wan"])


def funding(plan: ClearancePlan, *, uses: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Money by period (rows) and category (columns), 万元, with its total.

    Parameters
    ----------
    uses
        Only these uses (``interest``, ``fee``, ``principal``, ``replacement``).
    """
    table = _with_category(plan)
    if uses is not None:
        table = table[table["use"].isin(uses)]
    periods = plan.balances["period"].astype(str).tolist()
    wide = table.pivot_table(
        index="period", columns="category", values="amount_wan", aggfunc="sum", fill_value=0.0
    )
    wide.index = wide.index.astype(str)
    wide = wide.reindex(periods, fill_value=0.0)
    order = wide.sum().sort_values(ascending=False).index
    wide = wide[[c for c in order if c != REPLACEMENT] + [c for c in order if c == REPLACEMENT]]
    wide["total_wan"] = wide.sum(axis=1)
    return wide.rename_axis(columns=None).rename_axis("period").reset_index()


def matrix(plan: ClearancePlan) -> pd.DataFrame:
    """Contract, source and use (rows) by period (columns), 万元: the whole plan on one sheet."""
    wide = plan.schedule.pivot_table(
        index=MATRIX_KEYS, columns="period", values="amount_wan", aggfunc="sum", fill_value=0.0
    )
    wide.columns = wide.columns.astype(str)
    periods = plan.balances["period"].astype(str).tolist()
    return wide.reindex(columns=periods, fill_value=0.0).reset_index()


def planned_register(plan: ClearancePlan, ledger: pd.DataFrame) -> pd.DataFrame:
    """The replacement register that follows from the plan: one row a contract and period.

    Parameters
    ----------
    ledger
        ``contract_id, debtor, creditor, project, rate_pct, maturity``, as
        `fiscalmodel.debt.ledger.read_hidden_ledger` gives in ``.table``.

    Returns
    -------
    DataFrame
        ``order, contract_id, debtor, creditor, project, old_rate_pct,
        old_maturity, batch, bond_rate_pct, bond_tenor_years, replaced_wan,
        status``; every row is ``planned``. Rows of a batch go by rate, highest
        first.
    """
    table = plan.schedule[plan.schedule["use"].eq("replacement")].copy()
    table["period"] = table["period"].astype(str)
    bonds = {q.period: (q.rate_pct, q.tenor_years) for q in plan.given.quotas}
    known = ledger.set_index("contract_id")
    sums = table.groupby(["period", "contract_id"], as_index=False)["amount_wan"].sum()
    rows = []
    for period, name, amount in zip(
        sums["period"], sums["contract_id"], sums["amount_wan"], strict=True
    ):
        row = known.loc[name]
        rate, tenor = bonds.get(period[:4], bonds.get(period, (None, None)))
        rows.append(
            {
                "contract_id": name, "debtor": row["debtor"], "creditor": row["creditor"],
                "project": row["project"], "old_rate_pct": float(row["rate_pct"]),
                "old_maturity": row["maturity"], "batch": period, "bond_rate_pct": rate,
                "bond_tenor_years": tenor, "replaced_wan": float(amount), "status": "planned",
            }
        )  # fmt: skip
    columns = ["contract_id", "debtor", "creditor", "project", "old_rate_pct", "old_maturity",
               "batch", "bond_rate_pct", "bond_tenor_years", "replaced_wan", "status"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns).sort_values(
        ["batch", "old_rate_pct", "contract_id"], ascending=[True, False, True], ignore_index=True
    )
    made.insert(0, "order", range(1, len(made) + 1))
    return made


def planned_bonds(plan: ClearancePlan) -> pd.DataFrame:
    """The bonds that the plan's replacements take, one row a period and quota.

    Returns
    -------
    DataFrame
        Columns of the bond ledger, as `fiscalmodel.read_bonds` takes them;
        special bonds for replacement that begin on the period's last day and
        pay interest yearly.
    """
    ends = {
        str(k): day for k, day in zip(plan.problem.grid.labels, plan.problem.grid.ends, strict=True)
    }
    quotas = {f"{REPLACEMENT} {q.period}": q for q in plan.given.quotas}
    table = plan.schedule[plan.schedule["use"].eq("replacement")]
    keys = table.assign(period=table["period"].astype(str))
    sums = keys.groupby(["period", "source_id"], as_index=False)["amount_wan"].sum()
    rows = []
    for period, name, amount in zip(
        sums["period"], sums["source_id"], sums["amount_wan"], strict=True
    ):
        quota, start = quotas[str(name)], ends[str(period)]
        rows.append(
            {
                "bond_code": f"{name} / {period}", "type": "special", "purpose": REPLACEMENT,
                "amount_wan": round(float(amount), 6), "rate_pct": quota.rate_pct, "start": start,
                "maturity": add_months(start, round(quota.tenor_years * 12)),
                "repayment": quota.repayment, "frequency": "year", "project": "",
            }
        )  # fmt: skip
    columns = ["bond_code", "type", "purpose", "amount_wan", "rate_pct", "start", "maturity",
               "repayment", "frequency", "project"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
