"""Which slip of the pen turns one printed figure into another."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.words import Text, say


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip: its name, and how telling it is (smaller is more)."""

    name: Text
    order: int


def _named(name: str, order: int, **values: str) -> Slip:
    return Slip(say(f"checks.slip.{name}", **values), order)


def _plain(value: Decimal, digits: int) -> str | None:
    """The digits of a value at a number of decimals, None if it has more."""
    scaled = abs(value).scaleb(digits)
    return None if scaled != scaled.to_integral_value() else f"{int(scaled)}"


def slip(stated: Decimal, needed: Decimal, digits: int) -> Slip | None:
    """The one slip by which `needed` would have been printed as `stated`.

    Parameters
    ----------
    stated, needed
        The figure as printed, and what would make the sum tie.
    digits
        Decimals of the printed figure; a slip keeps them.

    Returns
    -------
    Slip or None
        None if more than one digit would have to be wrong.

    >>> D = Decimal
    >>> slip(D("41100"), D("42100"), 0).name.en, slip(D("4210"), D("42100"), 0).name.en
    ('one digit changed', 'a factor of 10')
    >>> slip(D("4200"), D("42100"), 0).name.en, slip(D("4100"), D("1400"), 0).name.en
    ('one digit dropped', 'two neighbouring digits swapped')
    """
    if stated == needed:
        return None
    if stated == -needed:
        return _named("sign", 0)
    if stated and needed and (stated > 0) == (needed > 0):
        power = _power_of_ten(stated, needed)
        if power:
            return _named("factor", 0, factor=f"{10**power:,}")
    if (stated < 0) != (needed < 0) and needed != 0:
        return None
    a, b = _plain(stated, digits), _plain(needed, digits)
    if a is None or b is None:
        return None
    return _edit(a, b)


def _power_of_ten(a: Decimal, b: Decimal) -> int:
    """k > 0 if one is 10**k times the other, else 0."""
    ratio = (max(a, b, key=abs) / min(a, b, key=abs)).normalize()
    return ratio.adjusted() if ratio == Decimal(1).scaleb(ratio.adjusted()) else 0


def _edit(stated: str, needed: str) -> Slip | None:
    dropped, inserted = len(stated) < len(needed), len(stated) > len(needed)
    short, long = sorted((stated, needed), key=len)
    if len(short) + 1 == len(long) and short in (
        long[:i] + long[i + 1 :] for i in range(len(long))
    ):
        return _named("dropped" if dropped else "inserted", 1)
    a, b = stated.zfill(len(long)), needed.zfill(len(long))
    wrong = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(wrong) == 1:
        # A leading digit dropped before zeros shortens the number by more: 10043 -> 43.
        return _named("dropped" if dropped else "in_front" if inserted else "changed", 2)
    i = wrong[0]
    swapped = wrong == [i, i + 1] and a[i : i + 2] == b[i : i + 2][::-1]
    return _named("swapped", 1) if swapped and not (dropped or inserted) else None
