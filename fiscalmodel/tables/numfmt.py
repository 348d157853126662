"""Number formats of Excel: which show a percent, which show the figure divided."""

from __future__ import annotations

import re


def is_percent(code: str) -> bool:
    """Whether a cell with this format shows its ratio as percent.

    >>> is_percent("0.00%"), is_percent('0.00"%"')
    (True, False)
    """
    return "%" in _bare(code)


def is_scaled(code: str) -> bool:
    """Whether the format shows the figure divided by 1,000 or 10,000.

    >>> is_scaled("#,##0.00"), is_scaled("0,"), is_scaled("0!.0,")
    (False, True, True)
    """
    bare = _bare(code)
    return bool(re.search(r"[0#?],+(?![0#?,])", bare) or re.search(r"0!\.", bare))


def _bare(code: str) -> str:
    """A format without quoted and escaped characters, colours and further sections."""
    return re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code).split(";")[0]
