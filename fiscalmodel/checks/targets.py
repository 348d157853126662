"""Performance targets: direction of cost indicators, targets that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher

from fiscalmodel.checks.claims import Check, Claim, found, sentence
from fiscalmodel.checks.facts import BOUNDS, YEAR, YUAN_PER, Book, Fact, by, grouped, show
from fiscalmodel.checks.reading import target_text
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.words import EMPTY

_TEXT = re.compile(
    r"^(?P<bound>[≥≤≦≧=＝<>]|>=|<=|不低于|不少于|不高于|不超过)?\s*(?P<number>\d[\d,]*(?:\.\d+)?)\s*"
    r"(?P<rest>\D*)$"
)
_LOW, _HIGH = {"≥", "≧", ">", ">=", "不低于", "不少于"}, {"≤", "≦", "<", "<=", "不高于", "不超过"}
_COST = re.compile(r"(?:费用?|成本|支出|经费|单价|成本增长率)$")
_GOOD = re.compile(r"(?:满意度|满意率|合格率|及时率|完成率|覆盖率|应用率|准确率|整改率)$")
_BAD = re.compile(r"(?:差错|差错率|错误次数|错误率|故障.*时间|故障率|投诉.*|违规.*)$")
_SHARE = re.compile(r"占.*(?:比重|比例|占比)$")
_FILLERS = re.compile(r"财政|绩效|全区|区级|调查$|数量$|个数$")


@dataclass(frozen=True)
class Target:
    """A printed target: ``≥95%`` is a bound of 95 from below."""

    fact: Fact
    name: str
    bound: str
    value: Decimal
    unit: str
    text: str

    @property
    def half(self) -> Decimal:
        """Half a unit of the last printed digit."""
        return Decimal(5).scaleb(int(self.value.as_tuple().exponent) - 1)

    @property
    def programme(self) -> str:
        """The programme whose form it stands in, empty for the whole department or plan."""
        return (self.fact.form if "目标表/" in self.fact.section else "") or self.fact.project

    @property
    def long_term(self) -> bool:
        """It stands in a long-term table (长期), whatever year that names."""
        fact = self.fact
        return "长期" in fact.label.prefix + fact.section + fact.period or not fact.years

    @property
    def span(self) -> tuple[int, int]:
        """First and last year it holds for; without a year it holds for all."""
        years = self.fact.years
        return (years[0], years[-1]) if years else (0, 9999)

    def allows(self, other: Target) -> bool:
        """Whether the other's value satisfies this bound."""
        if self.bound == "≥":
            return other.value >= self.value
        if self.bound == "≤":
            return other.value <= self.value
        return other.value == self.value


def indicator(core: str) -> str:
    """An indicator's name without words that one form prints and another leaves out.

    >>> indicator("财政绩效评价结果应用率") == indicator("财政评价结果应用率")
    True
    >>> indicator("民生支出占一般公共财政预算支出比重")
    '民生支出占比'
    """
    return _FILLERS.sub("", _SHARE.sub("占比", core)) or core


def targets_of(book: Book) -> list[Target]:
    """Every target that can be read, one for each printed row."""
    found: dict[tuple[str, str, str], Target] = {}
    for fact in book.listed:
        weighted = "权重" in fact.scope
        text = target_text(fact) if weighted else fact.text
        aims = weighted or fact.kind in ("target", *BOUNDS, "actual")
        if not text or not aims or fact.yuan or not ("绩效" in fact.section or fact.unit == "%"):
            continue
        match = _TEXT.match(text)
        if match is None:
            continue
        bound = {"floor": "≥", "ceiling": "≤"}.get(fact.kind, "=")
        sign = match["bound"] or ""
        bound = "≥" if sign in _LOW else "≤" if sign in _HIGH else bound
        rest = match["rest"].split("/")[0].strip(" ()（）")
        unit = rest or ("" if weighted else fact.unit)
        if fact.kind == "actual" and "绩效" not in fact.section:
            continue
        key = (fact.document, fact.key or fact.where, text)
        number = Decimal(match["number"].replace(",", ""))
        found.setdefault(key, Target(fact, indicator(fact.label.core), bound, number, unit, text))
    return list(found.values())


def _direction(book: Book) -> Iterator[Claim]:
    """A cost is capped (≤), never demanded (≥); a satisfaction the other way round."""
    for target in targets_of(book):
        core = target.fact.label.core
        rewarded = target.bound == "≥" and (_COST.search(core) or _BAD.search(core))
        capped = target.bound == "≤" and _GOOD.search(core)
        if not (rewarded or capped):
            continue
        if _SHARE.search(core) or (rewarded and core.endswith("率") and "成本" not in core):
            continue
        right = f"{'≤' if rewarded else '≥'}{show(target.value)}{target.unit}"
        said = "cost_direction.rewarded" if rewarded else "cost_direction.capped"
        fact = target.fact
        yield found(
            "cost_direction", "error", [fact], said, label=core, text=target.text, right=right
        )


def _conflicts(book: Book) -> Iterator[Claim]:
    """Targets of one indicator for one year that cannot both be meant."""
    groups: dict[tuple[str, str], list[Target]] = {}
    for target in targets_of(book):
        groups.setdefault((target.fact.entity, target.name), []).append(target)
    for targets in groups.values():
        pairs = [
            (a, b)
            for i, a in enumerate(targets)
            for b in targets[i + 1 :]
            if _comparable(a, b) and _conflict(a, b)
        ]
        if pairs:
            yield _contradiction(targets, pairs)


def _comparable(a: Target, b: Target) -> bool:
    if a.unit != b.unit and "" not in (a.unit, b.unit):
        return False
    # Two programmes each have their own indicator; the department's holds for all.
    if a.programme != b.programme and a.programme and b.programme:
        return False
    return a.span[0] <= b.span[1] and b.span[0] <= a.span[1] and a.fact is not b.fact


def _conflict(a: Target, b: Target) -> bool:
    actual = [t.fact.kind == "actual" for t in (a, b)]
    if any(actual):
        # An outturn may miss its target; two outturns of one year may not differ.
        return all(actual) and a.span == b.span and abs(a.value - b.value) > a.half + b.half
    if a.long_term != b.long_term:
        # A long-term target and a yearly one: only a plain contradiction counts.
        return a.bound == b.bound == "=" and a.value != b.value
    if a.bound == b.bound:
        return a.value != b.value
    exact, bound = (a, b) if a.bound == "=" else (b, a)
    return exact.bound == "=" and not bound.allows(exact)


def _contradiction(targets: list[Target], pairs: list[tuple[Target, Target]]) -> Finding:
    a, b = pairs[0]
    involved = list(dict.fromkeys(id(t) for pair in pairs for t in pair))
    by_id = {id(t): t for t in targets}
    cells = [by_id[i] for i in involved]
    # A later or long-term floor below a yearly one belongs to the same question.
    last = max(t.span[1] for t in cells)
    highest = max(t.value for t in cells)
    cells += [
        t
        for t in targets
        if id(t) not in involved and t.bound == "≥" and t.value < highest and t.span[1] > last
    ]

    def quoted(t: Target) -> str:
        unit = "" if t.unit in t.text else t.unit
        place = "，".join(part for part in (t.fact.year, t.fact.section) if part)
        return f"{t.text}{unit}（{place}）"

    # Two floors can both be met; a value below another's floor cannot be meant with it.
    severity: Severity = "warning" if all(x.bound == y.bound for x, y in pairs) else "error"
    if a.name.endswith(("满意度", "满意率")):
        severity = "note"
    return found(
        "conflicting_targets", severity, [t.fact for t in cells], "conflicting_targets",
        stated=a.value, computed=b.value, unit=a.unit,
        fact=a.fact, listed="；".join(map(quoted, cells)),
    )  # fmt: skip


#: The lines of project forms.
_LINES = by(
    *YEAR, "form", when=lambda f: f.yuan and "申报表/" in f.section and not f.label.is_total
)


def _caps(book: Book) -> Iterator[Claim]:
    """A cost capped below the amount that the same programme budgets for it."""
    lines = grouped(book.listed, _LINES)
    for target in targets_of(book):
        fact = target.fact
        yuan = YUAN_PER.get(target.unit + "元" if target.unit in ("万", "亿") else target.unit)
        if target.bound != "≤" or yuan is None or not target.programme:
            continue
        key = (fact.document, fact.entity, fact.year, target.programme)
        best = max(lines.get(key, []), key=lambda f: _alike(fact, f), default=None)
        if best is None or _alike(fact, best) < 0.55:
            continue
        amount = best.number * (best.yuan or 1) / yuan
        if amount <= target.value:
            continue
        ratio = amount / target.value if target.value else Decimal(0)
        ten = ratio == Decimal(1).scaleb(ratio.adjusted()) and ratio > 1
        yield found(
            "cap_below_line", "error", [fact, best], "cap_below_line",
            stated=target.value, computed=amount, unit=target.unit,
            tolerance=best.interval.half * (best.yuan or 1) / YUAN_PER["万元"],
            fact=fact, text=target.text, best=best,
            ten=sentence("cap_below_line.ten", ratio=ratio) if ten else EMPTY,
        )  # fmt: skip


def _alike(a: Fact, b: Fact) -> float:
    """How much of two names is the same, 0 to 1."""
    first, second = a.label.core, b.label.core
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, min(len(first), len(second)))


def _renamed(book: Book) -> Iterator[Claim]:
    """Two indicators with the same telling history and different targets."""
    rows: dict[tuple[str, str, str], dict[int, Target]] = {}
    for t in targets_of(book):
        first, last = t.span
        if first == last:
            rows.setdefault((t.fact.document, t.programme, t.name), {})[first] = t
    keys = list(rows)
    for i, key in enumerate(keys):
        for other in keys[i + 1 :]:
            if other[2] == key[2] or other[0] != key[0]:
                continue
            years = rows[key].keys() & rows[other].keys()
            same = [y for y in years if rows[key][y].value == rows[other][y].value]
            apart = sorted(y for y in years if rows[key][y].value != rows[other][y].value)
            telling = [y for y in same if rows[key][y].value > 100 and rows[key][y].value % 5]
            if len(telling) < 2 or not apart:
                continue
            a, b = rows[key][apart[-1]], rows[other][apart[-1]]
            listed = "、".join(f"{y}: {show(rows[key][y].value)}" for y in sorted(telling))
            yield found(
                "renamed_indicator", "note", [a.fact, b.fact], "renamed_indicator",
                stated=a.value, computed=b.value, unit=a.unit,
                a=a, b=b, listed=listed, year=apart[-1],
            )  # fmt: skip


CHECKS = (
    Check(("cost_direction",), _direction),
    Check(("conflicting_targets",), _conflicts),
    Check(("cap_below_line",), _caps),
    Check(("renamed_indicator",), _renamed),
)
