"""Policy files to checked parameters: dates, sources, and every problem with its place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root
from fiscalmodel.suggest import did_you_mean, known_names
from fiscalmodel.words import Text
from fiscalmodel.yamlio import KeyPath, Positions, dotted, load_yaml, place

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

#: Units whose values are numbers, or mappings of numbers.
NUMERIC_UNITS = ("%", "年", "亿元", "万元", "元", "倍", "分")

_WORDS = {
    "missing": "the key is missing",
    "string_too_short": "is empty or too short",
    "date_type": "must be a day such as 2028-12-31",
    "string_type": "must be text",
    "list_type": "must be a list, one '- from: …' for each value",
    "model_type": "must be a mapping of keys and values",
    "too_short": "needs at least one value",
}


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
            raise InputError(
                self.key, f"has no value on {day}", f"the first one holds from {first}; add one"
            )
        return held[-1]


def as_day(on: object) -> dt.date:
    """A calendar day from a date, a timestamp or text such as ``2028-12-31``.

    >>> as_day("2028-12-31")
    datetime.date(2028, 12, 31)
    """
    if isinstance(on, dt.datetime):
        return on.date()
    if isinstance(on, dt.date):
        return on
    if isinstance(on, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", on):
        try:
            return dt.date.fromisoformat(on)
        except ValueError:
            pass
    raise InputError("on", f"{on!r} is not a day", "write year-month-day, as '2028-12-31'")


_cache: dict[Path, tuple[tuple[Any, ...], Mapping[str, Parameter]]] = {}


def load_policy(folder: str | Path | None = None) -> Mapping[str, Parameter]:
    """Every parameter of a folder, checked; read again only when a file changed.

    Raises
    ------
    InputError
        With all problems of all files, each as ``file:line:column: key: problem``.
    """
    root = project_root() / "params" / "policy" if folder is None else Path(folder)
    files = sorted(root.glob("*.yaml")) if root.is_dir() else []
    if not files:
        raise InputError(str(folder or "params/policy"), "holds no policy files (*.yaml)")
    stamp = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    if root in _cache and _cache[root][0] == stamp:
        return _cache[root][1]
    made: dict[str, Parameter] = {}
    found = Collector()
    for file in files:
        try:
            parameters, positions = _read(file)
        except InputError as error:
            found.extend(error)
            continue
        for item in parameters:
            _check(item, positions, found)
            if item.key in made:
                where = place(item.file, positions, (item.key,))
                found.add(where, f"{item.key}: stands in {made[item.key].file} too", "keep one")
            made.setdefault(item.key, item)
    found.raise_if_any()
    _cache[root] = (stamp, made)
    return made


def _read(file: Path) -> tuple[list[Parameter], Positions]:
    from pydantic import ValidationError

    from fiscalmodel.policy_schema import PolicyFile

    name = f"params/policy/{file.name}" if file.parent.name == "policy" else str(file)
    try:
        data, positions = load_yaml(file)
        content = PolicyFile.model_validate(data).root
    except ValidationError as error:
        raise _explained(error, positions, name) from None
    parameters = [
        Parameter(
            key,
            {"zh": spec.title.zh, "en": spec.title.en},
            spec.unit,
            tuple(_frozen(entry.model_dump()) for entry in spec.values),
            spec.note,
            name,
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
        if item.unit in NUMERIC_UNITS and len(numbers) != len(parts):
            found.add(where, f"{item.key}: {_plain(entry.value)} is not a number", "without quotes")
        elif item.unit == "日期" and not isinstance(entry.value, dt.date):
            found.add(where, f"{item.key}: {_plain(entry.value)} is not a day", "as 2028-12-31")
        elif item.key.startswith("commission_rate_") and not all(0 < p <= 5 for p in numbers):
            hint = "write percent: 0.5 for 0.5 %"
            found.add(where, f"{item.key}: {_plain(entry.value)} is out of range", hint)
        elif item.key.startswith("tax_sharing_"):
            _check_sharing(item.key, entry.value, where, found)


def _plain(value: Any) -> str:
    return repr(dict(value)) if isinstance(value, Mapping) else repr(value)


def _check_sharing(key: str, shares: Any, where: str, found: Collector) -> None:
    """Shares of a tax by level are percents that add up to 100."""
    if not isinstance(shares, Mapping) or not all(0 <= pct <= 100 for pct in shares.values()):
        found.add(where, f"{key}: needs a percent for each level", "{central: 50, local: 50}")
    elif abs(sum(shares.values()) - 100) > 1e-9:
        total = sum(shares.values())
        found.add(where, f"{key}: the shares add up to {total:g}", "they must make 100")


def _explained(error: ValidationError, positions: Positions, name: str) -> InputError:
    found = Collector()
    said: set[tuple[KeyPath, str]] = set()
    for item in error.errors(include_url=False):
        loc: KeyPath = tuple(item["loc"])
        kind = item["type"]
        if kind in ("missing", "extra_forbidden"):
            path = loc
        else:  # without the names of the branches of a union
            path = next(loc[:n] for n in range(len(loc), -1, -1) if loc[:n] in positions)
        hint: str | Text = ""
        if kind == "extra_forbidden":
            model = _model_at(path)
            known = [spec.alias or field for field, spec in model.model_fields.items()]
            text, hint = "unknown key", did_you_mean(str(path[-1]), known) or known_names(known)
        elif kind == "literal_error":
            text = f"{item['input']!r} is not allowed, write {item['ctx']['expected']}"
        elif kind == "value_error":
            text = item["msg"].removeprefix("Value error, ")
        elif loc[-1:] == ("[key]",) or kind == "string_pattern_mismatch":
            text, hint = "is not a good name", "lower-case letters, digits and '_' only"
        elif path[-1:] == ("value",):
            text = f"{item['input']!r} is not a value"
            hint = "a number, text, day, mapping, or null where repealed"
        else:
            text = _WORDS.get(kind, item["msg"])
        if kind == "missing" and path[-1] == "source":
            hint = "a parameter without a source is refused"
        if (path, text) not in said:
            said.add((path, text))
            found.add(place(name, positions, path), f"{dotted(path)}: {text}", hint)
    return InputError.of(found.problems)


def _model_at(path: KeyPath) -> type[BaseModel]:
    from fiscalmodel.policy_schema import ParameterSpec, Title, ValueSpec

    return ValueSpec if "values" in path else Title if path[1:2] == ("title",) else ParameterSpec
