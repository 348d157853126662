"""Dated, sourced parameters: the rules of local finance from ``params/policy/``.

Every call names the day it asks for; nothing here reads the clock. A value of
``None`` means that the rule was repealed on or before that day. The package
brings its parameters along; a file of the same name in the project's own
``params/policy/`` stands in for the shipped one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fiscalmodel.days import day as day_of
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.folders import settled_files
from fiscalmodel.words import say
from fiscalmodel.yamlio import Positions, load_yaml, place

if TYPE_CHECKING:
    import pandas as pd

#: Units whose values are numbers, or mappings of numbers.
NUMERIC_UNITS = ("%", "年", "亿元", "万元", "元", "倍", "分")

_COLUMNS = (
    "key", "title", "value", "unit", "from", "doc_no", "source", "confidence", "basis", "note"
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One value and what it rests on.

    Attributes
    ----------
    start
        First day on which it holds.
    value
        Number, text, day, mapping, or None where the rule is repealed.
    source, doc_no, link
        Document, its number (文号) and address.
    confidence
        ``H`` high, ``M`` medium, ``L`` low.
    basis
        ``S`` seen in a public source, ``S-`` in a weak one, ``G`` general knowledge.
    note
        What a user should know.
    """

    start: dt.date
    value: Any
    source: str
    doc_no: str
    link: str
    confidence: str
    basis: str
    note: str = ""

    def citation(self) -> str:
        """Source with its document number."""
        return f"{self.source}（{self.doc_no}）" if self.doc_no else self.source


@dataclass(frozen=True)
class Parameter:
    """One parameter with all its values, oldest first."""

    key: str
    titles: Mapping[str, str]
    unit: str
    entries: tuple[Entry, ...]
    note: str = ""
    file: str = ""
    region: str = ""

    def title(self, lang: str = "zh") -> str:
        """Official name in Chinese, or the English one with `lang` ``en``."""
        return self.titles["en" if lang == "en" else "zh"]

    def at(self, on: object) -> Entry:
        """The entry that holds on a day.

        Raises
        ------
        InputError
            If the day lies before the first entry, or is no day.
        """
        day = as_day(on)
        held = [entry for entry in self.entries if entry.start <= day]
        if not held:
            first = self.entries[0].start
            raise InputError(self.key, "ground.policy_too_early", day=day, first=first)
        return held[-1]


def as_day(on: object) -> dt.date:
    """The day asked for; a missing one is refused too, since nothing here reads the clock.

    >>> as_day("2028-12-31")
    datetime.date(2028, 12, 31)
    """
    found = day_of(on)
    if found is None:
        raise InputError("on", "ground.not_a_day", text=on)
    return found


_cache: dict[tuple[Any, ...], Mapping[str, Parameter]] = {}


def load_policy(folder: str | Path | None = None) -> Mapping[str, Parameter]:
    """Every parameter of a folder, checked; read again only when a file changed.

    Raises
    ------
    InputError
        With all problems of all files, each as ``file:line:column: key: problem``.
    """
    folders = settled_files("policy") if folder is None else (Path(folder),)
    stamp = tuple(one for place in folders for one in _stamped(place))
    if stamp in _cache:
        return _cache[stamp]
    named = {Path(path).name: Path(path) for path, *_ in stamp}
    if not named:
        raise InputError(folder or "params/policy", "ground.policy_no_files")
    made: dict[str, Parameter] = {}
    found = Collector()
    for file in named.values():
        try:
            parameters, positions = _read(file)
        except InputError as error:
            found.extend(error)
            continue
        for item in parameters:
            _check(item, positions, found)
            if item.key in made:
                where = place(item.file, positions, (item.key,))
                other = made[item.key].file
                found.add(where, "ground.policy_twice", key=item.key, other=other)
            made.setdefault(item.key, item)
    found.raise_if_any()
    _cache.clear()
    _cache[stamp] = made
    return made


def _stamped(folder: Path) -> list[tuple[str, int, int]]:
    """Path, time and size of each file of a folder, looked at whenever a rule is asked for."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        there = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(".yaml")]
        return sorted((path, stat.st_mtime_ns, stat.st_size) for path, stat in there)
    return []


def _read(file: Path) -> tuple[list[Parameter], Positions]:
    from pydantic import ValidationError

    from fiscalmodel.policy_schema import ParameterSpec, PolicyFile
    from fiscalmodel.schema_errors import explain

    name = f"params/policy/{file.name}" if file.parent.name == "policy" else str(file)
    try:
        data, positions = load_yaml(file)
        content = PolicyFile.model_validate(data).root
    except ValidationError as error:
        origins = {path: (name, position) for path, position in positions.items()}
        raise InputError.of(explain(error, ParameterSpec, origins, name)) from None
    parameters = [
        Parameter(
            key,
            {"zh": spec.title.zh, "en": spec.title.en},
            spec.unit,
            tuple(_frozen(entry.model_dump()) for entry in spec.values),
            spec.note,
            name,
            spec.region,
        )
        for key, spec in content.items()
    ]
    return parameters, positions


def _frozen(entry: dict[str, Any]) -> Entry:
    value = entry["value"]
    return Entry(**entry | {"value": MappingProxyType(value) if isinstance(value, dict) else value})


def _check(item: Parameter, positions: Positions, found: Collector) -> None:
    """Values that fit the unit: numbers, days, shares that add up, rates in percent."""
    for n, entry in enumerate(item.entries):
        if entry.value is None:
            continue
        where = place(item.file, positions, (item.key, "values", n, "value"))
        parts = list(entry.value.values()) if isinstance(entry.value, Mapping) else [entry.value]
        numbers = [p for p in parts if isinstance(p, int | float) and not isinstance(p, bool)]
        key = ""
        if item.unit in NUMERIC_UNITS and len(numbers) != len(parts):
            key = "number"
        elif item.unit == "日期" and not isinstance(entry.value, dt.date):
            key = "day"
        elif item.key.startswith("commission_rate_") and not all(0 < p <= 5 for p in numbers):
            key = "commission"
        elif item.key.startswith("tax_sharing_"):
            shares = entry.value
            if not isinstance(shares, Mapping) or not all(0 <= p <= 100 for p in numbers):
                key = "levels"
            elif abs(sum(numbers) - 100) > 1e-9:
                key = "shares"
        if key:
            said = dict(entry.value) if isinstance(entry.value, Mapping) else entry.value
            found.add(where, f"ground.policy_{key}", key=item.key, value=said, total=sum(numbers))


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


def in_force(key: str, on: object, *, region: str = "") -> Entry | None:
    """The entry that holds on a day; None where it is repealed or did not exist yet.

    A rule of one region holds for that `region` alone.
    """
    rule = parameter(key)
    if rule.entries[0].start > as_day(on) or rule.region not in ("", region):
        return None
    entry = at(key, on)
    return None if entry.value is None else entry


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
        raise InputError("params/policy", "ground.policy_unknown", hint, key=key)
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
        raise InputError("system", "ground.policy_no_sharing", hint, system=system)
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
            "confidence": say(f"ground.confidence_{entry.confidence.lower()}")(lang),
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
