"""The rules by name: what each checks, in both languages, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book

Check = Callable[[Book], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """A named check."""

    name: str
    en: str
    zh: str
    check: Check


#: Name -> rule, in the order in which they run.
RULES: dict[str, Rule] = {}


def rule(name: str, *, en: str, zh: str) -> Callable[[Check], Check]:
    """Register a check under a name."""

    def add(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules named {name!r}")
        RULES[name] = Rule(name, en, zh, check)
        return check

    return add
