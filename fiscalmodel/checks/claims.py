"""What is claimed of printed figures, and what comes of it: one place that tells what ties.

A check states claims over the immutable facts. All claims are worked out first; only
then is anything reported, since what ties elsewhere in a publication tells how exact
its figures are and which of two cells is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from fiscalmodel.checks.facts import COUNTS, Book, Fact, Ratio, grouped, show
from fiscalmodel.checks.printed import Interval
from fiscalmodel.checks.slips import slip
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.words import EMPTY, Text, say

#: More digits after the point than this are stored, not printed: they tell nothing.
STORED = 4
#: What the cells hold may miss a sum by the noise of its arithmetic.
HELD = Decimal("1e-6")


class _Shown(Decimal):
    """A number in a sentence: ``{gap}`` as `show` gives it, ``{gap:,.2f}`` as asked for."""

    def __format__(self, spec: str, /, *context: Any) -> str:
        return super().__format__(spec, *context) if spec else show(self)


def sentence(key: str, /, **values: object) -> Text:
    """A sentence of the checks; it may name attributes of facts, such as ``{total.shown}``."""
    shown = {n: _Shown(v) if isinstance(v, Decimal) else v for n, v in values.items()}
    return say(f"checks.{key}", **shown)


def found(
    rule: str,
    severity: Severity,
    facts: Sequence[Fact],
    said: str | Text,
    *,
    stated: Decimal | None = None,
    computed: Decimal | None = None,
    tolerance: Decimal | None = Decimal(0),
    unit: str | None = None,
    **values: object,
) -> Finding:
    """A finding about facts, the one that states the figure first.

    `said` is a sentence under ``checks``, filled in with `values`, or a text.
    """
    known = stated is not None and computed is not None
    return Finding(
        rule=rule,
        severity=severity,
        where="; ".join(fact.where for fact in facts),
        stated=None if stated is None else float(stated),
        computed=None if computed is None else float(computed),
        difference=float(stated - computed) if known else None,  # type: ignore[operator]
        tolerance=None if tolerance is None or stated is None else float(tolerance),
        said=sentence(said, **values) if isinstance(said, str) else said,
        unit=(facts[0].unit if unit is None else unit) if facts else "",
        cells=tuple(fact.cell for fact in facts),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """``total = sum of sign * part``, or ``total >= sum`` if `at_most`.

    All facts hold figures. `of` says what the parts are: an entry under
    ``checks.of``, or a text.
    """

    rule: str
    total: Fact
    parts: Sequence[tuple[int, Fact]]
    of: str | Text = "parts"
    at_most: bool = False
    #: Severity if it does not tie at all.
    severity: Severity = "error"

    @property
    def facts(self) -> list[Fact]:
        """The total, then the parts."""
        return [self.total, *(part for _, part in self.parts)]


@dataclass(frozen=True, slots=True, eq=False)
class Follows:
    """A printed figure against the interval that follows from others.

    ``=`` holds if the two intervals meet, ``≤`` if the figure may be below it,
    ``≥`` if it may be above it. Its sentence may name the figure as ``fact``, what it
    follows from as ``a`` and ``b``, and what stands in `words`.
    """

    rule: str
    stated: Fact
    operands: Sequence[Fact]
    value: Decimal
    interval: Interval
    sentence: str | Text
    words: Mapping[str, object] = field(default_factory=dict)
    holds: Literal["=", "≤", "≥"] = "="
    severity: Severity = "error"
    unit: str | None = None
    digits: int = 4
    #: What else its finding names.
    also: Sequence[Fact] = ()

    @classmethod
    def percent(
        cls, rule: str, stated: Fact, ratio: Ratio, said: str, shift: int = 0, **more: Any
    ) -> Follows:
        """A percentage against a ratio, or with a shift of -100 against growth."""
        value, interval = ratio.value * 100 + shift, ratio.interval.scaled(100, shift)
        return cls(rule, stated, [ratio.new, ratio.old], value, interval, said, **more)

    @property
    def ties(self) -> bool:
        """Whether it holds as far as the printed digits tell."""
        own = self.stated.interval
        above, below = own.hi >= self.interval.lo, own.lo <= self.interval.hi
        return (above or self.holds == "≤") and (below or self.holds == "≥")

    def finding(self) -> Finding:
        """What is said where it does not hold."""
        fact, said = self.stated, self.sentence
        if isinstance(said, str):
            slipped = slip(fact.number, round(self.value, fact.digits), fact.digits)
            told = sentence("slip.told", slip=slipped.name) if slipped else EMPTY
            words = {"fact": fact, "value": self.value, "gap": fact.number - self.value}
            operands = dict(zip("ab", self.operands, strict=False))
            said = sentence(said, **words, slip=told, **{**operands, **self.words})
        return found(
            self.rule, self.severity, [fact, *self.operands, *self.also], said,
            stated=fact.number, computed=round(self.value, self.digits), unit=self.unit,
            tolerance=self.interval.half + fact.interval.half,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tied:
    """A check that was made and ties, where nothing more is to be said of it."""

    rule: str


Claim = Sums | Follows | Tied | Finding


@dataclass(frozen=True)
class Check:
    """One line of the table of checks.

    Attributes
    ----------
    rules
        Names that its findings may bear.
    claims
        What it claims: of the whole book, of one grid, or of the facts of one key.
    each
        ``book``, ``grid``, or the key by which facts are judged together (None leaves
        a fact out).
    printed
        Facts of tables as printed too, not only of those that give one figure a row.
    """

    rules: tuple[str, ...]
    claims: Callable[[Any], Iterable[Claim]]
    each: Literal["book", "grid"] | Callable[[Fact], Hashable | None] = "book"
    printed: bool = False

    def of(self, book: Book) -> Iterator[Claim]:
        """Everything that it claims of a book."""
        each: Iterable[Any] = book.grids if self.each == "grid" else (book,)
        if callable(self.each):
            each = grouped(book.facts if self.printed else book.listed, self.each).values()
        for one in each:
            yield from self.claims(one)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A sum with its arithmetic, in the unit of the total."""

    claim: Sums
    computed: Decimal
    difference: Decimal
    tolerance: Decimal
    #: Tolerance if every figure is as fine as the finest of them.
    fine: Decimal
    #: It ties to the last digit, as printed or as the cells hold it.
    exact: bool

    @property
    def ties(self) -> bool:
        """Whether the difference is within the rounding of the printed figures."""
        if self.claim.at_most and self.difference > 0:
            return True
        return abs(self.difference) <= self.tolerance

    @property
    def slips(self) -> Iterator[tuple[int, Fact, Decimal, Text]]:
        """Figures in which one digit, sign or power of ten would make it tie.

        How telling the slip is (less is more), the figure, what it should be, the slip.
        """
        if not self.difference:
            return
        total = self.claim.total
        for sign, fact in [(-1, total), *self.claim.parts]:
            needed = fact.number + sign * self.difference * (total.factor_to(fact) or 1)
            if slipped := slip(fact.number, needed, fact.digits):
                yield slipped.order, fact, needed, slipped.name


def arithmetic(claim: Sums) -> Outcome | None:
    """Add up; None if the units do not compare."""
    total = claim.total
    assert total.figure is not None
    computed, tolerance = Decimal(0), total.figure.half
    finest, held = tolerance, total.figure.stored or total.figure.value
    for sign, part in claim.parts:
        assert part.figure is not None
        value, half, stored = part.figure.value, part.figure.half, part.figure.stored
        if part.unit != total.unit:
            factor = part.factor_to(total)
            if factor is None:
                return None
            value, half = value * factor, half * factor
            stored = stored and stored * factor
        computed += value if sign > 0 else -value
        held -= (stored or value) if sign > 0 else -(stored or value)
        tolerance += half
        finest = min(finest, half)
    fine = finest * (len(claim.parts) + 1)
    if total.unit in COUNTS:
        tolerance = fine = Decimal(0)
    gap = total.figure.value - computed
    return Outcome(claim, computed, gap, tolerance, fine, not gap or abs(held) <= HELD)


@dataclass(frozen=True)
class Judged:
    """Everything that was claimed: the findings, what ties, the totals that tie exactly."""

    findings: tuple[Finding, ...]
    tied: Counter[str]
    sums: tuple[tuple[Fact, int], ...]


def judge(book: Book, checks: Iterable[Check]) -> Judged:
    """Work out every claim, then report what does not hold.

    A difference of a sum within the rounding of the printed figures is silent,
    unless the rest of the publication ties to the last digit, or all figures are
    whole 万元 or 元, as final accounts are kept: then it is a note (or a warning,
    where only the figures printed with fewer digits could hold it).
    """
    claims = list(_once(claim for check in checks for claim in check.of(book)))
    sums = {id(c): o for c in claims if isinstance(c, Sums) and (o := arithmetic(c))}
    follows = [(c, c.ties) for c in claims if isinstance(c, Follows)]
    holds = {id(claim): ties for claim, ties in follows}
    evidence = Evidence(sums.values(), follows)
    tied: Counter[str] = Counter()
    findings: dict[Hashable, Finding] = {}
    for claim in claims:
        said: Finding | None = None
        if isinstance(claim, Finding):
            said = claim
        elif isinstance(claim, Sums):
            outcome = sums.get(id(claim))
            if outcome is not None:
                tied[claim.rule] += outcome.ties
                said = evidence.report(outcome)
        elif isinstance(claim, Tied) or holds[id(claim)]:
            tied[claim.rule] += 1
        else:
            said = claim.finding()
        if said is not None:
            key = (said.rule, said.cells[:1], frozenset(said.cells) or said.where)
            findings.setdefault(key, said)
    exact = tuple((o.claim.total, len(o.claim.parts)) for o in evidence.exact_sums)
    return Judged(tuple(findings.values()), tied, exact)


def _once(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Drop sums over the same cells: one may be known by its labels and by its place."""
    seen: set[Hashable] = set()
    for claim in claims:
        if isinstance(claim, Sums):
            key = (claim.rule, id(claim.total), frozenset(id(part) for _, part in claim.parts))
            if key in seen:
                continue
            seen.add(key)
        yield claim


class Evidence:
    """What the claims tell about one another: how exact a publication is, which cell is wrong."""

    def __init__(
        self, outcomes: Iterable[Outcome], follows: Iterable[tuple[Follows, bool]]
    ) -> None:
        self._exact: Counter[str] = Counter()
        self._rounded: Counter[str] = Counter()
        #: Cells of sums and rates that tie, and that do not.
        self._good: Counter[int] = Counter()
        self._bad: Counter[int] = Counter()
        self._broken: dict[str, list[Outcome]] = defaultdict(list)
        self._totals: dict[int, list[Outcome]] = defaultdict(list)
        #: Broken sums -> whether another one explains them; None while that is looked up.
        self._known: dict[int, bool | None] = {}
        self.exact_sums: list[Outcome] = []
        for o in outcomes:
            document = o.claim.total.document
            if not o.ties:
                self._broken[document].append(o)
                if not o.claim.at_most:
                    self._totals[id(o.claim.total)].append(o)
                self._bad.update(map(id, o.claim.facts))
            elif not o.claim.at_most:
                self._good.update(map(id, o.claim.facts))
                if o.exact:
                    self._exact[document] += 1
                    self.exact_sums.append(o)
                else:
                    self._rounded[document] += 1
        for claim, ties in follows:
            side = self._good if ties else self._bad
            side.update(map(id, (claim.stated, *claim.operands)))

    def report(self, o: Outcome) -> Finding | None:
        """What is said of a sum; None where there is nothing to say."""
        if not o.ties:
            return None if self._explained(o) else self._finding(o, o.claim.severity)
        if not (o.exact or o.claim.at_most) and self._telling(o):
            return self._finding(o, "warning" if abs(o.difference) > o.fine else "note")
        return None

    def _explained(self, o: Outcome) -> bool | None:
        """Whether a part that its own parts contradict is all that is wrong with a sum.

        Two sums that explain each other (a = b + c and b = a - c) explain nothing.
        """
        if id(o) not in self._known:
            self._known[id(o)] = None
            behind = (self._explained(other) for other in self._behind(o))
            self._known[id(o)] = any(known is not None for known in behind)
        return self._known[id(o)]

    def _behind(self, o: Outcome) -> Iterator[Outcome]:
        """Broken sums that a part is the total of and that miss by as much."""
        for sign, part in o.claim.parts:
            for other in self._totals.get(id(part), ()):
                factor = part.factor_to(o.claim.total) or 1
                rest = o.difference + sign * other.difference * factor
                same = other is not o and other.claim.rule == o.claim.rule
                if same and abs(rest) <= o.tolerance + other.tolerance * factor:
                    yield other

    def _telling(self, o: Outcome) -> bool:
        """Whether a difference within rounding says something all the same."""
        document = o.claim.total.document
        exact, rounded = self._exact[document], self._rounded[document]
        facts = o.claim.facts
        if any(f.digits > STORED for f in facts):
            return False
        if exact >= 2 and 2 * rounded <= exact:
            return True
        kept_whole = all(f.digits == 0 and f.unit in ("万元", "元", "") for f in facts)
        return kept_whole and 2 * rounded <= exact + 4

    def _finding(self, o: Outcome, severity: Severity) -> Finding:
        claim, total = o.claim, o.claim.total
        of = sentence(f"of.{claim.of}") if isinstance(claim.of, str) else claim.of
        ties = list(self._repairs(o))[:3]
        more = [*["sum.at_most"] * claim.at_most, *["sum.rounding"] * o.ties]
        more.append("sum.would_tie" if ties else "sum.no_slip")
        said = sentence("sum", total=total, of=of, computed=o.computed, gap=o.difference)
        for key in more:
            said += sentence(key, of=of, ties=Text.joined(ties, "；或", "; or "))
        return found(
            claim.rule, severity, claim.facts, said,
            stated=total.number, computed=o.computed, tolerance=o.tolerance,
        )  # fmt: skip

    def _repairs(self, o: Outcome) -> Iterator[Text]:
        """What would make it tie, the most telling first."""
        total = o.claim.total
        for other in self._broken[total.document]:
            twin = other.claim.total
            swapped = total.number == other.computed and twin.number == o.computed
            if other is not o and swapped and twin.unit == total.unit:
                yield sentence("sum.swapped", a=total, b=twin)
        for sign, part in o.claim.parts:
            amount = sign * part.in_unit_of(total)
            twice = o.difference == amount
            if amount and (twice or o.difference == -amount):
                yield sentence("sum.twice" if twice else "sum.left_out", part=part)
        ranked = sorted(o.slips, key=lambda s: s[0] - 3 * self._suspect(s[1]))
        for _, fact, needed, name in ranked:
            yield sentence("sum.slip", fact=fact, slip=name, needed=needed)

    def _suspect(self, fact: Fact) -> int:
        """1 for a cell that another broken claim uses too, -1 for one that others confirm."""
        if self._bad[id(fact)] > 1:
            return 1
        return -1 if self._good[id(fact)] else 0
