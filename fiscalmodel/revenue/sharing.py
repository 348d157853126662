"""Between gross revenue 大口径财政收入 and what stays 地方级收入, tax by tax and dated."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.words import say

Shares = Mapping[str, Mapping[str, float]]


def sharing_matrix(
    system: str, on: object, *, own: Shares | None = None
) -> dict[str, dict[str, float]]:
    """Shares by tax and level on a day, percent; `own` adds or replaces taxes.

    Parameters
    ----------
    system
        ``national`` or a province of ``params/policy/tax_sharing.yaml``, such as ``gansu``.
    on
        The day.
    own
        Tax -> level -> percent, where the bureau's own rule differs or is not in the file.

    Raises
    ------
    InputError
        Unknown system, or shares of a tax that do not add up to 100.
    """
    matrix = {tax: dict(levels) for tax, levels in policy.sharing(system, on).items()}
    problems = Collector()
    for tax, levels in (own or {}).items():
        total = sum(levels.values())
        if abs(total - 100) > 1e-9 or min(levels.values()) < 0:
            problems.add(tax, "revenue.shares_sum", total=total)
        matrix[tax] = {level: float(pct) for level, pct in levels.items()}
    problems.raise_if_any()
    return matrix


def split_gross(
    gross: Mapping[str, float], system: str, on: object, *, own: Shares | None = None
) -> pd.DataFrame:
    """Split gross revenue by level of government.

    Parameters
    ----------
    gross
        Tax -> gross amount 大口径, one unit.

    Returns
    -------
    DataFrame
        ``tax, gross`` and one column a level; the levels add up to the gross exactly, the
        largest share taking what rounding leaves. Levels that a tax does not go to are 0.

    Raises
    ------
    InputError
        A tax without a share on that day (all such taxes at once).

    Examples
    --------
    Lintao County, January and February 2024, 万元; printed 3,916, 1,371 and 2,546:

    >>> split_gross({"vat": 7833.0}, "gansu", "2024-02-29").round(0).values.tolist()
    [['vat', 7833.0, 3916.0, 1371.0, 2546.0]]
    """
    matrix = sharing_matrix(system, on, own=own)
    _known(gross, matrix, system)
    levels = list(dict.fromkeys(level for tax in gross for level in matrix[tax]))
    rows = []
    for tax, amount in gross.items():
        parts = {level: float(amount) * pct / 100 for level, pct in matrix[tax].items()}
        largest = max(parts, key=lambda level: matrix[tax][level])
        parts[largest] = float(amount) - sum(v for k, v in parts.items() if k != largest)
        rows.append({"tax": tax, "gross": float(amount), **dict.fromkeys(levels, 0.0), **parts})
    return pd.DataFrame(rows, columns=["tax", "gross", *levels])


def _known(taxes: Mapping[str, float], matrix: Shares, system: str) -> None:
    problems = Collector()
    for tax in taxes:
        if tax not in matrix:
            hint = did_you_mean(tax, matrix) or known_names(matrix)
            problems.add(system, "revenue.no_share", hint + say("revenue.or_own"), tax=tax)
    if not taxes:
        raise InputError("taxes", "revenue.no_taxes")
    problems.raise_if_any()
