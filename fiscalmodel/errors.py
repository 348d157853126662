"""The one exception that bad input ends in, in the language of its reader."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from fiscalmodel import words
from fiscalmodel.words import EMPTY, Text, say

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input.

    Attributes
    ----------
    where
        File with line and column, sheet and cell, or the argument's name.
    said
        What is wrong, with the offending value.
    advice
        What to do about it; may be empty.
    """

    where: str
    said: Text
    advice: Text = EMPTY

    @property
    def problem(self) -> str:
        """What is wrong, in the language in force."""
        return str(self.said)

    @property
    def hint(self) -> str:
        """What to do about it, in the language in force."""
        return str(self.advice)

    def text(self, lang: str | None = None) -> str:
        """Place, problem and hint in one line."""
        colon, dash = ("：", "——") if (lang or words.language()) == "zh" else (": ", " — ")
        text = f"{self.where}{colon}{self.said(lang)}" if self.where else self.said(lang)
        return f"{text}{dash}{self.advice(lang)}" if self.advice else text

    def __str__(self) -> str:
        return self.text()


def problem(where: object, what: str | Text, advice: str | Text = "", **values: object) -> Problem:
    """A problem from a key of the words with its fields, or from a text."""
    if isinstance(what, str) and words.is_key(what):
        return Problem(
            str(where), say(what, **values), Text.of(advice or words.hint(what, **values))
        )
    return Problem(str(where), Text.of(what), Text.of(advice))


class InputError(ValueError):
    """Bad input: where it is, what is wrong, what to do.

    `what` is the key of a sentence in ``params/words/``, filled in with `values`;
    its ``hint`` comes along unless another is given. All problems of a file are
    collected and raised together with :meth:`of`, so that the user mends them in one go.

    Examples
    --------
    >>> error = InputError("a.yaml:3:5", "ground.no_such_file")
    >>> error.problems[0].text("en")
    'a.yaml:3:5: no such file — check the path and the name'
    """

    def __init__(
        self, where: object, what: str | Text, hint: str | Text = "", /, **values: object
    ) -> None:
        self.problems: tuple[Problem, ...] = (problem(where, what, hint, **values),)
        super().__init__(self.problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> InputError:
        """One error that holds every problem (at least one) in order."""
        found = tuple(problems)
        if not found:
            raise ValueError("InputError.of needs at least one problem")
        error = cls(found[0].where, found[0].said, found[0].advice)
        error.problems = found
        error.args = (found,)
        return error

    def text(self, lang: str | None = None) -> str:
        """Every problem on a line of its own."""
        return "\n".join(found.text(lang) for found in self.problems)

    def __str__(self) -> str:
        return self.text()

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
    >>> found.add("row 3", "ground.missing", name="amount")
    >>> [found.text("en") for found in found.problems]
    ['row 3: amount is missing']
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(
        self, where: object, what: str | Text, hint: str | Text = "", /, **values: object
    ) -> None:
        """Remember one problem, said as in `InputError`."""
        self.problems.append(problem(where, what, hint, **values))

    def extend(self, error: InputError) -> None:
        """Take over the problems of an error that was caught."""
        self.problems.extend(error.problems)

    @contextlib.contextmanager
    def catch(self) -> Iterator[None]:
        """Take over the problems of an error that the block ends in."""
        try:
            yield
        except InputError as error:
            self.extend(error)

    def attempt(self, call: Callable[[], T], default: T) -> T:
        """What a call gives, or `default` with its problems kept among the others."""
        with self.catch():
            return call()
        return default

    def raise_if_any(self) -> None:
        """Raise `InputError` with all problems, or return if there are none."""
        if self.problems:
            raise InputError.of(self.problems)


def official_code(group: str, text: object, *, where: str, what: str) -> str:
    """The code of an official word, or an `InputError` that says `what` and what is known.

    >>> official_code("repayment", "等额本息", where="method", what="ground.missing")
    'equal_instalment'
    """
    code = words.official(group, text)
    if code is None:
        raise InputError(where, what, text=text, known=list(words.official_words(group)))
    return code


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> Text:
    """A hint that names the nearest known word, or an empty text.

    >>> did_you_mean("rat_pct", ["rate_pct", "start"])("en")
    "did you mean 'rate_pct'?"
    >>> did_you_mean("zzz", ["rate_pct", "start"])("en")
    ''
    """
    options = list(dict.fromkeys(map(str, known)))
    near = difflib.get_close_matches(str(word), options, n=1, cutoff=cutoff)
    if not near:
        folded = {option.casefold(): option for option in options}
        close = difflib.get_close_matches(str(word).casefold(), folded, n=1, cutoff=cutoff)
        near = [folded[close[0]]] if close else []
    return say("ground.did_you_mean", name=near[0]) if near else EMPTY


def known_names(known: Iterable[str], *, limit: int = 12) -> Text:
    """A hint that lists what is known, cut after `limit` names.

    >>> known_names(["b", "a"])("en")
    'known: a, b'
    """
    names = sorted(map(str, known))
    key = "ground.known_some" if len(names) > limit else "ground.known"
    return say(key, names=names[:limit], count=len(names))
