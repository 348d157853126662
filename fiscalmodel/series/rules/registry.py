"""The rules by name: what each checks, in both languages, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book

Check = Callable[[Book], Iterable[Finding]]
#: What a rule is called in English and in Chinese.
Words = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """A named check.

    `finds` holds the names that its findings may bear, with their words: its
    own name, and others where one computation tells two things apart (growth
    that is wrong, and growth on another calibre).
    """

    name: str
    en: str
    zh: str
    check: Check
    finds: Mapping[str, Words] = field(default_factory=dict)


#: Name -> rule, in the order in which they run.
RULES: dict[str, Rule] = {}


def rule(
    name: str, *, en: str, zh: str, finds: Mapping[str, Words] | None = None
) -> Callable[[Check], Check]:
    """Register a check under a name."""

    def add(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules named {name!r}")
        RULES[name] = Rule(name, en, zh, check, {name: (en, zh), **(finds or {})})
        return check

    return add


def words_of(name: str) -> Words:
    """What the findings of a name are called, in English and in Chinese."""
    for known in RULES.values():
        if name in known.finds:
            return known.finds[name]
    return name, name
