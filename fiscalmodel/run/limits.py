"""What one notebook may use: time, memory, output."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fiscalmodel.errors import InputError

MB = 1024 * 1024

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgKMG]?)(?:i?[bB])?\s*\Z")
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|m|h)?\s*\Z")


@dataclass(frozen=True)
class Limits:
    """Limits of one notebook.

    Attributes
    ----------
    timeout
        Seconds for the whole notebook, from the start of its kernel; None: no deadline.
    memory
        Bytes that the kernel, or the kernel with the processes it started, may hold; None:
        no limit.
    output
        Bytes of output that are kept; what comes after is dropped, and said so.
    start_timeout
        Seconds that a kernel may take to start.
    """

    timeout: float | None = None
    memory: int | None = None
    output: int = 10 * MB
    start_timeout: float = 60.0


def parse_size(text: str | float, *, where: str = "memory") -> int:
    """A size in bytes from ``500M``, ``2G``, ``1.5 GB`` or a number of bytes.

    Raises
    ------
    InputError
        If the text is no size or not above zero.

    Examples
    --------
    >>> parse_size("500M") // MB
    500
    """
    match = _SIZE.match(str(text))
    factor = {"": 1, "k": 1024, "m": MB, "g": 1024 * MB}
    size = float(match[1]) * factor[match[2].lower()] if match else 0.0
    if size < 1:
        raise InputError(where, f"{text!r} is not a size", "write for example 500M or 2G")
    return int(size)


def parse_duration(text: str | float, *, where: str = "timeout") -> float:
    """Seconds from ``90``, ``90s``, ``2min``, ``2m`` or ``1h``.

    Raises
    ------
    InputError
        If the text is no duration or not above zero.

    Examples
    --------
    >>> parse_duration("2min")
    120.0
    """
    match = _DURATION.match(str(text))
    factor = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
    seconds = float(match[1]) * factor[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise InputError(where, f"{text!r} is not a duration", "write for example 90s, 2min or 1h")
    return seconds


def readable_size(size: float) -> str:
    """A size for people.

    >>> readable_size(500 * MB)
    '500 MB'
    """
    for unit, factor in (("GB", 1024 * MB), ("MB", MB), ("kB", 1024)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"
