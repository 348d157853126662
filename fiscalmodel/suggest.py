"""Near-miss names: "did you mean …?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A hint that names the nearest known word, or an empty string.

    >>> did_you_mean("rat_pct", ["rate_pct", "start"])
    "did you mean 'rate_pct'?"
    >>> did_you_mean("zzz", ["rate_pct", "start"])
    ''
    """
    options = list(dict.fromkeys(map(str, known)))
    near = difflib.get_close_matches(str(word), options, n=1, cutoff=cutoff)
    if not near:
        folded = {option.casefold(): option for option in options}
        close = difflib.get_close_matches(str(word).casefold(), folded, n=1, cutoff=cutoff)
        near = [folded[close[0]]] if close else []
    return f"did you mean {near[0]!r}?" if near else ""


def known_names(known: Iterable[str], *, limit: int = 12) -> str:
    """A hint that lists what is known, cut after `limit` names.

    >>> known_names(["b", "a"])
    'known: a, b'
    """
    names = sorted(map(str, known))
    more = f" … ({len(names)} in all)" if len(names) > limit else ""
    return "known: " + ", ".join(names[:limit]) + more
