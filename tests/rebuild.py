"""Works every figure of an explain file out again; imports nothing of fiscalmodel.

``python tests/rebuild.py reports/COUNTY/SCENARIO.explain.json`` prints what it found. The
formulas are read from the file; values of figures never enter their own calculation: a
formula's inputs are worked out again too, down to the leaves.
"""

import ast
import datetime as dt
import json
import math
import sys
from decimal import ROUND_HALF_UP, Decimal

LIMIT = 1e-9


def half_up(x):
    return float(Decimal(repr(x)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


CALLS = {
    "max": max,
    "min": min,
    "sum": lambda xs: math.fsum(xs),
    "product": math.prod,
    "dot": lambda xs, ys: math.fsum(x * y for x, y in zip(xs, ys, strict=True)),
    "compound": lambda xs: math.prod(1 + x / 100 for x in xs),
    "half_up": half_up,
    "fen": lambda x: math.floor(x * 1e6 + 0.5 + 1e-4) / 1e6,
    "cut": lambda x: 0.0 if x < 5e-7 else x,
}
OPERATIONS = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.Pow: lambda a, b: a**b,
}  # fmt: skip


def work_out(tree, names):
    """A formula's value; anything but arithmetic on its inputs is refused."""
    if isinstance(tree, ast.Expression):
        return work_out(tree.body, names)
    if isinstance(tree, ast.Constant) and isinstance(tree.value, (int, float)):
        return tree.value
    if isinstance(tree, ast.Name):
        return names[tree.id]
    if isinstance(tree, ast.BinOp):
        left, right = work_out(tree.left, names), work_out(tree.right, names)
        return OPERATIONS[type(tree.op)](left, right)
    if isinstance(tree, ast.Call) and not tree.keywords:
        return CALLS[tree.func.id](*[work_out(a, names) for a in tree.args])
    raise ValueError(ast.dump(tree))


def years(day_count, first, last):
    """Years between two days; the calendar's own arithmetic."""
    a, b = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    if day_count == "in_year":
        length = (dt.date(a.year + 1, 1, 1) - dt.date(a.year, 1, 1)).days
        return ((b - a).days + 1) / length
    if day_count == "months":
        return ((b.year - a.year) * 12 + b.month - a.month) / 12
    if day_count == "ACT/365":
        return (b - a).days / 365
    if day_count == "ACT/360":
        return (b - a).days / 360
    assert day_count == "30/360", day_count

    def place(day):
        end = (day + dt.timedelta(days=1)).day == 1
        return 360 * day.year + 30 * (day.month - 1) + (30 if end else min(day.day, 30))

    return (place(b) - place(a)) / 360


class Book:
    """An explain file whose nodes are worked out when asked for."""

    def __init__(self, text):
        self.data = json.loads(text)
        assert self.data["format"] == "fiscalmodel.explain"
        assert self.data["version"] == 1
        self.nodes = self.data["nodes"]
        self.trees = {
            key: ast.parse(entry["expression"], mode="eval")
            for key, entry in self.data["formulas"].items()
        }
        self.known = {}
        sys.setrecursionlimit(20_000)

    def value(self, name):
        if name not in self.known:
            self.known[name] = None  # a circle would meet this
            self.known[name] = self._value(self.nodes[name])
        assert self.known[name] is not None, f"circle at {name}"
        return self.known[name]

    def _value(self, node):
        if node["how"] == "formula":
            names = {
                key: self.value(given) if isinstance(given, str) else [self.value(g) for g in given]
                for key, given in node.get("inputs", {}).items()
            }
            return work_out(self.trees[node["formula"]], names)
        if node.get("cells"):
            return math.fsum(amount for _, amount in node["cells"])
        if node.get("calendar"):
            return years(*node["calendar"])
        return node["value"]

    def off(self, name):
        """How far a figure is from its own calculation, on the scale of the larger of 1 and it."""
        stated = self.nodes[name]["value"]
        return abs(self.value(name) - stated) / max(1.0, abs(stated))

    def report(self):
        """Counts of the figures by how they come about, and those that are not rebuilt.

        ``rebuilt`` is the share of those that are no model's: worked out again within `LIMIT`,
        or a cell, a line of the scenario, a rule or a day itself.
        """
        figures = [name for name, node in self.nodes.items() if node.get("figure")]
        kinds, wrong = {}, []
        for name in figures:
            how = self.nodes[name]["how"]
            kinds[how] = kinds.get(how, 0) + 1
            if how == "formula" and self.off(name) > LIMIT:
                wrong.append((name, self.nodes[name]["value"], self.value(name)))
        mine = len(figures) - kinds.get("model", 0)
        lacking = kinds.get("part", 0) + kinds.get("terms", 0) + len(wrong)
        rebuilt = 1 - lacking / mine if mine else 1.0
        return {"figures": len(figures), "by": kinds, "wrong": wrong, "rebuilt": rebuilt}

    def leaves(self, name, seen=None):
        """What a figure comes down to."""
        seen = set() if seen is None else seen
        for given in self.nodes[name].get("inputs", {}).values():
            for one in [given] if isinstance(given, str) else given:
                if one not in seen:
                    seen.add(one)
                    self.leaves(one, seen)
        return seen


if __name__ == "__main__":
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as stream:
            found = Book(stream.read()).report()
        print(file, found["figures"], found["by"], f"rebuilt {found['rebuilt']:.4%}")
        for line in found["wrong"][:20]:
            print("  ", *line)
