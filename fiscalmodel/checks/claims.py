"""What is claimed of printed figures, and what comes of it: one place that tells what ties.

A family of checks states claims over the immutable facts. All claims are worked
out first; only then is anything reported, since what ties elsewhere in a
publication tells how exact its figures are and which of two cells is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from fiscalmodel.checks.facts import COUNTS, Book, Fact, grouped
from fiscalmodel.checks.printed import Interval
from fiscalmodel.checks.slips import Slip, slip
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.words import EMPTY, Text, say

#: More digits after the point than this are stored, not printed: they tell nothing.
STORED = 4
#: What the cells hold may miss a sum by the noise of its arithmetic.
HELD = Decimal("1e-6")
#: Fields of a sentence, asked for only where it is said.
Words = Callable[[], Mapping[str, object]]


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
    ``≥`` if it may be above it.
    """

    rule: str
    stated: Fact
    operands: Sequence[Fact]
    value: Decimal
    interval: Interval
    sentence: str
    #: Fields of the sentence beside those that every claim has, see `fields`.
    words: Words = dict
    holds: Literal["=", "≤", "≥"] = "="
    severity: Severity = "error"
    unit: str | None = None
    digits: int = 4

    @property
    def ties(self) -> bool:
        """Whether it holds as far as the printed digits tell."""
        own = self.stated.interval
        if self.holds == "≤":
            return own.lo <= self.interval.hi
        return own.hi >= self.interval.lo if self.holds == "≥" else own.meets(self.interval)

    @property
    def fields(self) -> Mapping[str, object]:
        """What any sentence may name: the figure, what follows, and their distance."""
        fact, gap = self.stated, self.stated.number - self.value
        return {
            "place": place_of(fact),
            "label": fact.label.raw.strip(),
            "period": fact.period,
            "year": fact.year,
            "scope": fact.scope,
            "section": fact.section,
            "unit": fact.unit,
            "stated": show(fact.number),
            "computed": show(self.value),
            "value": show(self.value, 2),
            "gap": show(gap),
        }

    def finding(self) -> Finding:
        """What is said where it does not hold."""
        return found(
            self.rule,
            self.severity,
            [self.stated, *self.operands],
            say(f"checks.{self.sentence}", **{**self.fields, **self.words()}),
            stated=self.stated.number,
            computed=round(self.value, self.digits),
            tolerance=self.interval.half + self.stated.interval.half,
            unit=self.unit,
        )


@dataclass(frozen=True, slots=True)
class Tied:
    """A check that was made and ties, where nothing more is to be said of it."""

    rule: str


Claim = Sums | Follows | Tied | Finding


class Check(Protocol):
    """One line of the table of checks: the names of its findings, and its claims."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Names that its findings may bear."""

    def claims(self, book: Book) -> Iterable[Claim]:
        """What it claims of a book."""


@dataclass(frozen=True)
class Looks:
    """A check that looks at the whole book."""

    rules: tuple[str, ...]
    look: Callable[[Book], Iterable[Claim]]

    def claims(self, book: Book) -> Iterable[Claim]:
        """What it claims of a book."""
        return self.look(book)


@dataclass(frozen=True)
class Groups:
    """Facts of one key judged together; facts whose key is None are left out."""

    rules: tuple[str, ...]
    key: Callable[[Fact], Hashable | None]
    judge: Callable[[list[Fact]], Iterable[Claim]]
    #: Tables as printed too, not only those that give one figure a row.
    printed: bool = False

    def claims(self, book: Book) -> Iterator[Claim]:
        """What it claims of a book, group by group."""
        looked_at = book.facts if self.printed else book.listed
        for facts in grouped(looked_at, self.key).values():
            yield from self.judge(facts)


def show(value: Decimal | float, digits: int | None = None) -> str:
    """A number with thousands separators, without needless zeros.

    >>> show(Decimal("1394700.00")), show(Decimal("8.394135"), 2)
    ('1,394,700', '8.39')
    """
    number = Decimal(str(value)) if isinstance(value, float) else value
    if digits is not None:
        return f"{round(number, digits):,f}"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def told(found: Slip | None) -> Text:
    """A slip in brackets; nothing if there is none."""
    return say("checks.slip.told", slip=found.name) if found else EMPTY


def found(
    rule: str,
    severity: Severity,
    facts: Sequence[Fact],
    said: Text,
    *,
    stated: Decimal | None = None,
    computed: Decimal | None = None,
    tolerance: Decimal | None = None,
    unit: str | None = None,
) -> Finding:
    """A finding about facts, the one that states the figure first."""
    return Finding(
        rule=rule,
        severity=severity,
        where="; ".join(fact.where for fact in facts),
        stated=None if stated is None else float(stated),
        computed=None if computed is None else float(computed),
        difference=None if stated is None or computed is None else float(stated - computed),
        tolerance=None if tolerance is None else float(tolerance),
        said=said,
        unit=(facts[0].unit if unit is None else unit) if facts else "",
        cells=tuple(fact.cell for fact in facts),
    )


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
    claims = list(_once(claim for check in checks for claim in check.claims(book)))
    sums = {id(c): o for c in claims if isinstance(c, Sums) and (o := arithmetic(c))}
    evidence = Evidence(sums.values(), (c for c in claims if isinstance(c, Follows)))
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
        elif isinstance(claim, Tied) or claim.ties:
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

    def __init__(self, outcomes: Iterable[Outcome], follows: Iterable[Follows]) -> None:
        self._exact: Counter[str] = Counter()
        self._rounded: Counter[str] = Counter()
        #: Cells of sums and rates that tie, and that do not.
        self._good: Counter[int] = Counter()
        self._bad: Counter[int] = Counter()
        self._broken: dict[str, list[Outcome]] = defaultdict(list)
        self._totals: dict[int, list[Outcome]] = defaultdict(list)
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
        for claim in follows:
            side = self._good if claim.ties else self._bad
            side.update(map(id, (claim.stated, *claim.operands)))

    def report(self, o: Outcome) -> Finding | None:
        """What is said of a sum; None where there is nothing to say."""
        if not o.ties:
            return None if self._explained(o) else self._finding(o, o.claim.severity)
        if not (o.exact or o.claim.at_most) and self._telling(o):
            return self._finding(o, "warning" if abs(o.difference) > o.fine else "note")
        return None

    def _explained(self, o: Outcome) -> bool:
        """Whether a part that its own parts contradict is all that is wrong with a sum."""
        for sign, part in o.claim.parts:
            for other in self._totals.get(id(part), ()):
                factor = part.factor_to(o.claim.total) or 1
                rest = o.difference + sign * other.difference * factor
                same = other is not o and other.claim.rule == o.claim.rule
                if same and abs(rest) <= o.tolerance + other.tolerance * factor:
                    return True
        return False

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
        of = say(f"checks.of.{claim.of}") if isinstance(claim.of, str) else claim.of
        ties = list(self._repairs(o))
        said = say(
            "checks.sum",
            place=place_of(total),
            label=total.label.raw.strip(),
            stated=show(total.number),
            unit=f" {total.unit}" if total.unit else "",
            of=of,
            computed=show(o.computed),
            gap=show(o.difference),
        )
        if claim.at_most:
            said += say("checks.sum.at_most")
        if o.ties:
            said += say("checks.sum.rounding")
        if ties:
            said += say("checks.sum.would_tie", ties=Text.joined(ties[:3], "；或", "; or "))
        else:
            said += say("checks.sum.no_slip", of=of)
        stated, computed = total.number, o.computed
        return found(
            claim.rule, severity, claim.facts, said,
            stated=stated, computed=computed, tolerance=o.tolerance,
        )  # fmt: skip

    def _repairs(self, o: Outcome) -> Iterator[Text]:
        """What would make it tie, the most telling first."""
        total = o.claim.total
        for other in self._broken[total.document]:
            twin = other.claim.total
            swapped = total.number == other.computed and twin.number == o.computed
            if other is not o and swapped and twin.unit == total.unit:
                names = {"a": total.label.raw.strip(), "b": twin.label.raw.strip()}
                yield say("checks.sum.swapped", **names, cell=total.cell, other=twin.cell)
        for sign, part in o.claim.parts:
            amount = sign * part.in_unit_of(total)
            twice = o.difference == amount
            if amount and (twice or o.difference == -amount):
                values = {"label": part.label.raw.strip(), "amount": show(part.number)}
                key = "twice" if twice else "left_out"
                yield say(f"checks.sum.{key}", **values, cell=part.cell)
        slips: list[tuple[int, Text]] = []
        for sign, fact in [(0, total), *o.claim.parts]:
            needed = needed_for(o, sign, fact)
            slipped = slip(fact.number, needed, fact.digits)
            if slipped:
                said = say(
                    "checks.sum.slip",
                    label=fact.label.raw.strip(),
                    cell=fact.cell,
                    slip=slipped.name,
                    needed=show(needed),
                    printed=show(fact.number),
                )
                slips.append((slipped.order - 3 * self._suspect(fact), said))
        yield from (said for _, said in sorted(slips, key=lambda s: s[0]))

    def _suspect(self, fact: Fact) -> int:
        """1 for a cell that another broken claim uses too, -1 for one that others confirm."""
        if self._bad[id(fact)] > 1:
            return 1
        return -1 if self._good[id(fact)] else 0


def place_of(fact: Fact) -> str:
    """Whose figure it is, unless its label says so."""
    entity = fact.entity
    return f"{entity} " if entity and entity not in fact.label.raw else ""


def needed_for(o: Outcome, sign: int, fact: Fact) -> Decimal:
    """The value of one figure of a sum that would make it tie; sign 0 for the total."""
    if sign == 0:
        return o.computed
    factor = o.claim.total.factor_to(fact) or Decimal(1)
    return fact.number + sign * o.difference * factor


def has_slip(o: Outcome) -> bool:
    """Whether one digit, sign or power of ten in one of the figures would make it tie."""
    return bool(o.difference) and any(
        slip(fact.number, needed_for(o, sign, fact), fact.digits) is not None
        for sign, fact in [(0, o.claim.total), *o.claim.parts]
    )
