"""The one exception that bad input ends in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input.

    Attributes
    ----------
    where
        File with line and column, sheet and cell, or the argument's name.
    problem
        What is wrong, with the offending value.
    hint
        What to do about it; may be empty.
    """

    where: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text} — {self.hint}" if self.hint else text


class InputError(ValueError):
    """Bad input: where it is, what is wrong, what to do.

    All problems of a file are collected and raised together with
    :meth:`of`, so that the user mends them in one go.

    Examples
    --------
    >>> str(InputError("a.yaml:3:5", "unknown key 'rat_pct'", "did you mean 'rate_pct'?"))
    "a.yaml:3:5: unknown key 'rat_pct' — did you mean 'rate_pct'?"
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(str(where), problem, hint),)
        super().__init__(str(self.problems[0]))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> InputError:
        """One error that holds every problem (at least one) in order."""
        found = tuple(problems)
        if not found:
            raise ValueError("InputError.of needs at least one problem")
        error = cls(found[0].where, found[0].problem, found[0].hint)
        error.problems = found
        error.args = ("\n".join(map(str, found)),)
        return error

    def __reduce__(self) -> tuple[object, ...]:
        # Crosses process borders with all its problems.
        return (InputError.of, (self.problems,))

    @property
    def where(self) -> str:
        """Place of the first problem."""
        return self.problems[0].where

    @property
    def problem(self) -> str:
        """The first problem."""
        return self.problems[0].problem

    @property
    def hint(self) -> str:
        """What to do about the first problem."""
        return self.problems[0].hint


class Collector:
    """Gathers problems and raises them together.

    >>> found = Collector()
    >>> found.add("row 3", "amount is missing")
    >>> [str(problem) for problem in found.problems]
    ['row 3: amount is missing']
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, where: str, problem: str, hint: str = "") -> None:
        """Remember one problem."""
        self.problems.append(Problem(where, problem, hint))

    def extend(self, error: InputError) -> None:
        """Take over the problems of an error that was caught."""
        self.problems.extend(error.problems)

    def raise_if_any(self) -> None:
        """Raise `InputError` with all problems, or return if there are none."""
        if self.problems:
            raise InputError.of(self.problems)
