"""Dated, sourced parameters: the rules of local finance from ``params/policy/``.

Every call names the day it asks for; nothing here reads the clock. A value of
``None`` means that the rule was repealed on or before that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import InputError
from fiscalmodel.policy_files import Entry, Parameter, as_day, load_policy
from fiscalmodel.suggest import did_you_mean, known_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Entry",
    "Parameter",
    "at",
    "keys",
    "load_policy",
    "parameter",
    "sharing",
    "table",
    "value",
]

_CONFIDENCE = {"H": ("高", "high"), "M": ("中", "medium"), "L": ("低", "low")}
_COLUMNS = (
    "key", "title", "value", "unit", "from", "doc_no", "source", "confidence", "basis", "note"
)  # fmt: skip


def value(key: str, on: object) -> Any:
    """Value of a parameter on a day; None where it is repealed.

    Parameters
    ----------
    key
        Name in ``params/policy/``, e.g. ``commission_rate_fines``.
    on
        The day: `datetime.date` or text ``YYYY-MM-DD``.

    Raises
    ------
    InputError
        For an unknown key, no day, or a day before the first value.
    """
    return at(key, on).value


def at(key: str, on: object) -> Entry:
    """The entry of a parameter that holds on a day; see `value`."""
    return parameter(key).at(on)


def parameter(key: str) -> Parameter:
    """A parameter with all its values.

    Raises
    ------
    InputError
        For an unknown key, with the nearest known one.
    """
    known = load_policy()
    if key not in known:
        hint = did_you_mean(str(key), known) or known_names(known)
        raise InputError("params/policy", f"unknown parameter {key!r}", hint)
    return known[key]


def keys() -> tuple[str, ...]:
    """Names of all parameters."""
    return tuple(load_policy())


def sharing(system: str, on: object) -> dict[str, dict[str, float]]:
    """Shares of each tax by level of government on a day, in percent.

    Parameters
    ----------
    system
        ``national`` (central, local) or a province such as ``gansu``
        (central, province, county).
    on
        The day.

    Returns
    -------
    dict
        Tax -> level -> percent, each tax adding up to 100. Taxes that are
        abolished, or not yet known on the day, are left out.
    """
    prefix = f"tax_sharing_{system}_"
    known = load_policy()
    found = {
        key.removeprefix(prefix): item for key, item in known.items() if key.startswith(prefix)
    }
    if not found:
        systems = {key.split("_")[2] for key in known if key.startswith("tax_sharing_")}
        hint = did_you_mean(system, systems) or known_names(systems)
        raise InputError("system", f"no tax sharing for {system!r}", hint)
    day = as_day(on)
    return {
        tax: {level: float(pct) for level, pct in item.at(day).value.items()}
        for tax, item in found.items()
        if item.entries[0].start <= day and item.at(day).value is not None
    }


def table(on: object, lang: str = "zh") -> pd.DataFrame:
    """All parameters in force on a day, for reports.

    Returns
    -------
    DataFrame
        ``key, title, value, unit, from, doc_no, source, confidence, basis,
        note``, one row a parameter; those not yet in force are left out, and
        repealed ones have an empty value.
    """
    import pandas as pd

    day = as_day(on)
    rows = [
        {
            "key": item.key,
            "title": item.title(lang),
            "value": _shown(entry.value),
            "unit": item.unit,
            "from": entry.start.isoformat(),
            "doc_no": entry.doc_no,
            "source": entry.source,
            "confidence": _CONFIDENCE[entry.confidence][lang == "en"],
            "basis": entry.basis,
            "note": entry.note or item.note,
        }
        for item in load_policy().values()
        if item.entries[0].start <= day
        for entry in [item.at(day)]
    ]
    columns = list(_COLUMNS)
    return pd.DataFrame(rows, columns=columns)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
