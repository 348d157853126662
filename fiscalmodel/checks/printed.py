"""Arithmetic of printed figures: each stands for half a unit of its last digit on both sides.

``98`` is any number from 97.5 to 98.5, ``98.0`` any from 97.95 to 98.05. The
result of an operation is the interval of all results, so a stated figure ties
if its own interval meets the computed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from fiscalmodel.numerals import exact, parse, simple

#: Digits after the point beyond which a stored number holds only the noise of its arithmetic.
NOISE = 8


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of decimals.

    >>> a = printed("130.62").interval / printed("136.51").interval
    >>> round(float(a.lo), 5), round(float(a.hi), 5)
    (0.95678, 0.95692)
    """

    lo: Decimal
    hi: Decimal

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.lo - other.hi, self.hi - other.lo)

    def __mul__(self, other: Interval) -> Interval:
        return _spanning([a * b for a in (self.lo, self.hi) for b in (other.lo, other.hi)])

    def __truediv__(self, other: Interval) -> Interval:
        if other.lo <= 0 <= other.hi:
            raise ZeroDivisionError("the divisor's interval holds zero")
        return _spanning([a / b for a in (self.lo, self.hi) for b in (other.lo, other.hi)])

    def __pow__(self, power: Decimal) -> Interval:
        if self.lo <= 0:
            raise ZeroDivisionError("a power needs a positive interval")
        return _spanning([self.lo**power, self.hi**power])

    def scaled(self, factor: Decimal | int, shift: Decimal | int = 0) -> Interval:
        """Every point times a factor, plus a shift."""
        return _spanning([self.lo * factor + shift, self.hi * factor + shift])

    @property
    def half(self) -> Decimal:
        """Half the width."""
        return (self.hi - self.lo) / 2

    def meets(self, other: Interval) -> bool:
        """Whether the two have a point in common."""
        return self.lo <= other.hi and other.lo <= self.hi


def _spanning(ends: list[Decimal]) -> Interval:
    return Interval(min(ends), max(ends))


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed figure: its value, half a unit of its last digit, its text.

    `stored` is the unrounded number where the cell holds more than it shows.
    """

    value: Decimal
    half: Decimal
    text: str
    stored: Decimal | None = None

    @property
    def interval(self) -> Interval:
        """The numbers that would be printed like this."""
        return Interval(self.value - self.half, self.value + self.half)

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return max(0, -int(self.value.as_tuple().exponent))


def exactly(value: Decimal | int) -> Interval:
    """A number that is no printed figure."""
    return Interval(Decimal(value), Decimal(value))


@lru_cache(maxsize=65536)
def _parse(raw: str) -> Printed | None:
    if simple(raw) is not None:
        value: Decimal | None = Decimal(raw)
    else:
        value = None if parse(raw).unit not in ("", "%") else exact(raw)
    if value is None:
        return None
    exponent = int(value.as_tuple().exponent)
    if exponent < -NOISE:
        # Nobody prints so many digits: it is what a division or a sum of floats left.
        value = round(value, NOISE).normalize()
        exponent = -NOISE
    if int(value.as_tuple().exponent) > 0:
        value, exponent = value.quantize(Decimal(1)), min(exponent, 0)
    return Printed(value, Decimal(5).scaleb(exponent - 1), raw)


def is_blank(text: str) -> bool:
    """Whether a text says that nothing is there: empty, a dash, a slash, an X."""
    return parse(text).kind == "missing"


def printed(value: Any) -> Printed | None:
    """A printed figure from its text or number, or None if it is no number.

    >>> printed("1,394,700").value, printed("△3.5").value, printed("16.18%").half
    (Decimal('1394700'), Decimal('-3.5'), Decimal('0.005'))
    >>> printed("≥95") is None, printed("X") is None
    (True, True)
    """
    if isinstance(value, str):
        return _parse(value)
    if value is None or value != value or isinstance(value, bool):
        return None
    number = float(value)
    text = f"{number:.0f}" if number == int(number) and abs(number) < 1e15 else f"{number:.15g}"
    return _parse(text) if "e" not in text else _parse(f"{Decimal(text):f}")
