"""Which cells of a shown table follow from other cells: what a workbook writes as formulas.

A relation is written only where it gives the stored value, so that a formula never changes a
figure: a growth that was published, and that the table's own levels do not give, stays a number.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from fiscalmodel.present.paper import Grid

#: Figure -> what it may follow from: figures of the same line, ``[name@-1]`` of the one before.
RELATIONS: dict[str, tuple[str, ...]] = {
    "growth_pct": (
        "([scenario_wan]/[scenario_wan@-1]-1)*100",
        "([scenario_wan]/[linked_wan@-1]-1)*100",
        "([linked_wan]/[linked_wan@-1]-1)*100",
        "([revenue_wan]/[revenue_wan@-1]-1)*100",
    ),
    "income_total_wan": (
        "[revenue_wan]+[transfers_wan]+[other_resources_wan]",
        "[revenue_wan]+[transfers_wan]",
        "[revenue_wan]+[other_resources_wan]",
    ),
    "need_total_wan": (
        "[sanbao_need_wan]+[statutory_debt_service_wan]+[other_commitments_wan]",
        "[sanbao_need_wan]+[statutory_debt_service_wan]",
        "[sanbao_need_wan]",
    ),
    "surplus_wan": ("[income_total_wan]-[need_total_wan]", "[revenue_wan]-[expenditure_wan]"),
    "available_wan": ("[surplus_wan]+[shortfall_wan]",),
    "carry_over_wan": ("[total_resources_wan]-[total_uses_wan]",),
    "net_wan": ("[money_wan]-[expenditure_wan]",),
    "self_sufficiency_pct": ("[revenue_wan]/[expenditure_wan]*100",),
    "opening_wan": ("[closing_wan@-1]",),
    "closing_wan": (
        "[opening_wan]-[repaid_wan]-[replaced_wan]",
        "[opening_wan]+[unpaid_interest_wan]-[repaid_wan]-[replaced_wan]",
        "[opening_wan]+[unpaid_interest_wan]-[principal_wan]-[replaced_wan]",
    ),
    "total_wan": (
        "[hidden_wan]+[statutory_wan]+[by_contract_wan]",
        "[hidden_wan]+[statutory_wan]",
        "[general_wan]+[special_wan]",
    ),
    "statutory_ratio_pct": (
        "([general_debt_wan]+[special_debt_wan])/[resources_wan]*100",
        "([general_wan]+[special_wan])/[resources_wan]*100",
    ),
    "risk_ratio_pct": (
        "([general_debt_wan]+[special_debt_wan]+[hidden_wan])/[resources_wan]*100",
        "([general_wan]+[special_wan]+[hidden_wan])/[resources_wan]*100",
    ),
    "kept_wan": ("[usable_wan]-[used_wan]-[lapsed_wan]", "[available_wan]-[used_wan]-[lapsed_wan]"),
    "forecast_wan": (
        "[last_year_wan]+[one_offs_out_wan]+[base_growth_wan]+[measures_wan]+[one_offs_wan]",
        "[last_year_wan]-[one_offs_out_wan]+[base_growth_wan]+[measures_wan]+[one_offs_wan]",
    ),
    "base_yuan": ("[paid_in_yuan]+[refunds_yuan]+[carried_in_yuan]-[carried_out_yuan]",),
    "payable_yuan": (
        "[fee_yuan]+[arrears_yuan]-[paid_yuan]",
        "[fee_yuan]-[paid_yuan]",
        "[fee_yuan]+[arrears_yuan]",
        "[fee_yuan]",
    ),
    "difference_wan": ("[actual_wan]-[planned_wan]", "[planned_wan]-[actual_wan]"),
}
#: A comparison: each scenario's figure less the baseline's.
RELATIONS |= {f"delta_{n}": (f"[value_{n}]-[value_0]",) for n in range(1, 50)}
#: How far a formula may be from the stored value: rounding of floats.
CLOSE = 1e-9

_NAME = re.compile(r"\[([^\]@]+)(@-1)?\]")
_DO: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip

#: Row and column of a cell in a grid's body, from 0.
Place = tuple[int, int]


def formulas(grid: Grid, cell: Callable[[Place], str]) -> dict[Place, str]:
    """Place -> formula for every cell of a table that follows from others.

    Parameters
    ----------
    grid
        The table.
    cell
        Place -> the name of the cell in the workbook, as ``B7``.
    """
    found = dict(_sums(grid, cell))
    for lines in (_rows(grid), _columns(grid)):
        for before, line in zip([None, *lines], lines, strict=False):
            for name, place in line.items():
                if place in found:
                    continue
                for relation in RELATIONS.get(name, ()):
                    operands = _operands(relation, line, before)
                    if operands is None or not _gives(relation, operands, grid, place):
                        continue
                    found[place] = _named(relation, operands, cell)
                    break
    return found


def _named(relation: str, operands: Mapping[str, Place], cell: Callable[[Place], str]) -> str:
    return _NAME.sub(lambda match: cell(operands[match[0]]), relation)


def value(grid: Grid, place: Place) -> float | None:
    """The number in a cell; None where there is none."""
    return grid.rows[place[0]][place[1]].value


def _rows(grid: Grid) -> list[dict[str, Place]]:
    """Figures by name in each row: columns are figures."""
    return [
        {key: (row, column) for column, key in enumerate(grid.keys)}
        for row in range(len(grid.rows))
    ]


def _columns(grid: Grid) -> list[dict[str, Place]]:
    """Figures by name in each column: rows are figures, as in official tables."""
    return [
        {key: (row, column) for row, key in enumerate(grid.row_keys)}
        for column in range(1, len(grid.heads))
    ]


def _operands(
    relation: str, line: Mapping[str, Place], before: Mapping[str, Place] | None
) -> dict[str, Place] | None:
    made: dict[str, Place] = {}
    for match in _NAME.finditer(relation):
        place = ((before or {}) if match[2] else line).get(match[1])
        if place is None:
            return None
        made[match[0]] = place
    return made


def _gives(relation: str, operands: Mapping[str, Place], grid: Grid, place: Place) -> bool:
    """Whether a relation gives the stored value of a cell."""
    stored = value(grid, place)
    known = {name: value(grid, at) for name, at in operands.items()}
    if stored is None or any(number is None for number in known.values()):
        return False
    text = _NAME.sub(lambda match: f"({known[match[0]]!r})", relation)
    try:
        return _same(_worked_out(ast.parse(text, mode="eval").body), stored)
    except ZeroDivisionError:
        return False


def _worked_out(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return _DO[type(node.op)](_worked_out(node.left), _worked_out(node.right))
    if isinstance(node, ast.UnaryOp):
        return -_worked_out(node.operand)
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


def _sums(grid: Grid, cell: Callable[[Place], str]) -> Iterator[tuple[Place, str]]:
    """A last row or column that is the sum of those before it, in each of its numbers."""
    columns = [i for i, numeric in enumerate(grid.numeric) if numeric and not _plain(grid.keys[i])]
    last, rows = len(grid.rows) - 1, range(len(grid.rows))
    if last >= 2 and columns and all(_is_sum(grid, [(r, c) for r in rows]) for c in columns):
        for column in columns:
            span = f"{cell((0, column))}:{cell((last - 1, column))}"
            yield (last, column), f"SUM({span})"
    if len(columns) >= 3 and all(_is_sum(grid, [(row, c) for c in columns]) for row in rows):
        apart = columns[-1] - columns[0] == len(columns) - 1
        for row in rows if apart else ():
            span = f"{cell((row, columns[0]))}:{cell((row, columns[-2]))}"
            yield (row, columns[-1]), f"SUM({span})"


def _plain(key: str) -> bool:
    """Years and rates are not added up."""
    return key.endswith(("year", "_pct", "_ratio", "order"))


def _is_sum(grid: Grid, places: Sequence[Place]) -> bool:
    numbers = [value(grid, place) for place in places]
    total = numbers[-1]
    if total is None:
        return False
    return _same(math.fsum(number or 0.0 for number in numbers[:-1]), total)


def _same(found: float, stored: float) -> bool:
    return abs(found - stored) <= CLOSE * max(1.0, abs(stored))
