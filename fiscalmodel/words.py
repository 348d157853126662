"""One thing said in two languages: sentences, labels and official words from ``params/words/``.

A sentence is named by its file and entry: ``say("debt.answer.cleared", ...)``
takes ``answer.cleared`` of ``params/words/debt.yaml``. What a project keeps in its
own ``params/words/`` overrides what the package brings, entry by entry.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from fiscalmodel.folders import SHIPPED, settled_files
from fiscalmodel.plainyaml import parse

Lang = Literal["zh", "en"]

_chosen: list[str] = []


def language() -> str:
    """The language of messages: chosen by `speaking`, else ``FISCALMODEL_LANG``, else Chinese."""
    asked = _chosen[-1] if _chosen else os.environ.get("FISCALMODEL_LANG", "zh")
    return "en" if asked.lower().startswith("en") else "zh"


def tag(lang: str) -> str:
    """The name of a language in pages and documents.

    >>> tag("zh"), tag("en")
    ('zh-CN', 'en')
    """
    return "en" if lang == "en" else "zh-CN"


@contextlib.contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Messages and displays in `lang` while the block runs."""
    _chosen.append(lang)
    try:
        yield
    finally:
        _chosen.pop()


@dataclass(frozen=True)
class Text:
    """A text in Chinese and in English; ``str()`` gives the language in force.

    >>> note = Text("已清零", "cleared")
    >>> note("zh"), note("en"), f"{Text.of('x') + note:>4}" != ""
    ('已清零', 'cleared', True)
    """

    zh: str
    en: str

    @classmethod
    def of(cls, text: str | Text) -> Text:
        """The same text in both languages, where only one is known."""
        return text if isinstance(text, Text) else cls(text, text)

    @classmethod
    def joined(cls, texts: Iterable[str | Text], zh: str = "；", en: str = "; ") -> Text:
        """Texts in a row, with the separator of each language."""
        known = [cls.of(text) for text in texts if text]
        return cls(zh.join(t.zh for t in known), en.join(t.en for t in known))

    def __call__(self, lang: str | None = None) -> str:
        """The text in one language, by default the one in force."""
        return self.en if (lang or language()) == "en" else self.zh

    def __str__(self) -> str:
        return self()

    def __format__(self, spec: str) -> str:
        return format(self(), spec)

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)

    def __contains__(self, part: str) -> bool:
        return part in self.zh or part in self.en

    def __add__(self, other: str | Text) -> Text:
        more = Text.of(other)
        return Text(self.zh + more.zh, self.en + more.en)

    def __radd__(self, before: str) -> Text:
        return Text(before + self.zh, before + self.en)


EMPTY = Text("", "")


def say(key: str, /, **values: object) -> Text:
    """A sentence of ``params/words/`` with its fields filled in, in both languages.

    Parameters
    ----------
    key
        File and entry, such as ``debt.answer.cleared``.
    values
        Fields of the sentence. A `Text` comes in its language; a date is
        written as 2028年12月31日 in Chinese and 2028-12-31 in English; a list is
        joined with ``、`` or a comma.

    Raises
    ------
    KeyError
        If there is no such sentence (a test holds every key to its entry).
    """
    zh, en, *_ = _entry(key)
    try:
        return Text(_filled(zh, values, "zh"), _filled(en, values, "en"))
    except KeyError:
        # A project's own wording that asks for a field which is no longer given.
        room, _, name = key.partition(".")
        zh, en, *_ = _sentences(_files(f"{room}.yaml")[:1])[name]
        return Text(_filled(zh, values, "zh"), _filled(en, values, "en"))


def hint(key: str, /, **values: object) -> Text:
    """What to do about it: the ``hint`` of a sentence; empty where it has none."""
    _, _, zh, en = _entry(key)
    return Text(_filled(zh, values, "zh"), _filled(en, values, "en")) if zh else EMPTY


def is_key(text: object) -> bool:
    """Whether a text names a sentence, rather than being one."""
    return isinstance(text, str) and bool(_KEY.fullmatch(text))


_KEY = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")


def _filled(template: str, values: Mapping[str, object], lang: str) -> str:
    return template.format_map({name: _in(value, lang) for name, value in values.items()})


def _in(value: object, lang: str) -> Any:
    if isinstance(value, Text):
        return value(lang)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return _Day(value, lang)
    if isinstance(value, (list, tuple)):
        return ("、" if lang == "zh" else ", ").join(str(_in(item, lang)) for item in value)
    return value


class _Day(str):
    """A date as text of one language, that still takes a date's own format."""

    day: dt.date

    def __new__(cls, day: dt.date, lang: str) -> _Day:
        text = f"{day.year}年{day.month}月{day.day}日" if lang == "zh" else day.isoformat()
        made = super().__new__(cls, text)
        made.day = day
        return made

    def __format__(self, spec: str) -> str:
        return format(self.day, spec) if "%" in spec else super().__format__(spec)


def _entry(key: str) -> tuple[str, str, str, str]:
    room, _, name = key.partition(".")
    return _sentences(_files(f"{room}.yaml"))[name]


def _files(name: str) -> tuple[Path, ...]:
    return settled_files(f"words/{name}")


def read_all() -> None:
    """Read every file of words that the package brings, for processes forked from this one."""
    for file in sorted((SHIPPED / "words").glob("*.yaml")):
        _sentences((file.resolve(),))


@cache
def _sentences(files: tuple[Path, ...]) -> dict[str, tuple[str, str, str, str]]:
    found: dict[str, tuple[str, str, str, str]] = {}
    for file in files:
        for name, entry in _leaves(_load(file)):
            asked = entry.get("hint") or {}
            words = (entry["zh"], entry["en"], asked.get("zh", ""), asked.get("en", ""))
            found[name] = (str(words[0]), str(words[1]), str(words[2]), str(words[3]))
    return found


def _leaves(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Entries by dotted name; groups may be nested."""
    for name, value in data.items():
        if isinstance(value, Mapping) and isinstance(value.get("zh"), str) and "en" in value:
            yield f"{above}{name}", value
        elif isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")


@cache
def _load(file: Path) -> Mapping[str, Any]:
    data, _, flaws = parse(file.read_text(encoding="utf-8-sig"))
    if flaws or not isinstance(data, Mapping):
        # The words themselves cannot be read, so there are none to say it with.
        first = flaws[0] if flaws else None
        raise ValueError(
            f"{file}:{first.position.line if first and first.position else 1}: {first}"
        )
    return data


@cache
def _table(files: tuple[Path, ...]) -> dict[str, dict[str, dict[str, Any]]]:
    """A file of sections: section -> entry -> words; later files override entry by entry."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for file in files:
        for section, entries in _load(file).items():
            table.setdefault(section, {}).update(entries)
    return table


def labels(section: str) -> dict[str, dict[str, Any]]:
    """One section of ``params/words/labels.yaml``: name -> ``zh``, ``en`` and ``also``."""
    return _table(_files("labels.yaml")).get(section, {})


def word_in(sections: Iterable[str], key: str, lang: str) -> str:
    """The label of a column or code in the first section that has it; the key itself in none.

    >>> word_in(("columns", "values"), "contract_id", "en")
    'Contract'
    """
    table = _table(_files("labels.yaml"))
    entry = next((table[s][key] for s in sections if key in table.get(s, ())), {})
    return str(entry.get(lang) or entry.get("zh") or key)


def label(key: str, lang: str = "zh", section: str = "columns") -> str:
    """The label of a column or term; the key itself where none is given.

    >>> label("principal_wan", "en"), label("no such column")
    ('Principal (万元)', 'no such column')
    """
    return word_in((section,), key, lang)


def headers_of(column: str) -> tuple[str, ...]:
    """Every header that a column is read under: its name, both languages, further ones."""
    entry = labels("columns").get(column, {})
    also = entry.get("also", [])
    more = also if isinstance(also, list) else [also]
    return (column, *(str(h) for h in (entry.get("zh"), entry.get("en"), *more) if h))


def batch_name(name: str) -> Text:
    """What a batch of quota is called among sources and debts; any other name as it is."""
    kind, _, batch = name.partition(" ")
    return say("present.batch", batch=batch) if kind == "replacement" and batch else Text.of(name)


def headers(kind: str) -> dict[str, dict[str, Any]]:
    """The columns of a kind of table: name -> ``zh`` and ``also``; see ``headers.yaml``."""
    return _table(_files("headers.yaml")).get(kind, {})


def headers_in(kind: str, *columns: str) -> dict[str, tuple[str, ...]]:
    """Columns with the further headers that they stand under in one kind of table only.

    By default all columns of the kind, in their order.

    >>> headers_in("claims")["item"]
    ('事项',)
    """
    own = headers(kind)
    return {
        c: tuple(str(v) for v in (own.get(c, {}).get("zh"), *own.get(c, {}).get("also", [])) if v)
        for c in columns or own
    }


def bare(text: object) -> str:
    """A header or word for comparison: NFKC, lower case, without blanks and joining marks.

    >>> bare("本金余额 （万元）"), bare("Half-Yearly"), bare(2.0)
    ('本金余额(万元)', 'halfyearly', '2')
    """
    if isinstance(text, float) and text.is_integer():
        text = int(text)
    return _bare(str(text))


@lru_cache(maxsize=50_000)
def _bare(text: str) -> str:
    return re.sub(r"[\s_*‐-―－-]+", "", unicodedata.normalize("NFKC", text).lower())


def marked(text: str, mark: str) -> bool:
    """Whether a name holds one of the words of a mark, in either language.

    >>> marked("棚改贷款", "shantytown"), marked("信托", "shantytown")
    (True, False)
    """
    entry, low = labels("marks")[mark], text.lower()
    return any(word in low for word in (entry["en"], *entry["also"]))


def official(group: str, text: object) -> str | None:
    """The code of an official word in either language, or None if it is none.

    `group` is a section of ``params/words/official.yaml``: ``frequency``,
    ``repayment``, ``day_count``, ``flag``, ``kind``, ...

    >>> official("frequency", "每季"), official("frequency", "Half-Yearly"), official("flag", "是")
    ('quarter', 'half_year', 'true')
    """
    return _codes(_files("official.yaml"), group).get(bare(text))


def official_words(group: str, lang: str = "zh") -> dict[str, str]:
    """Every code of a group with its word, in the order of the table."""
    return {
        code: str(entry[lang]) for code, entry in _table(_files("official.yaml"))[group].items()
    }


def official_name(group: str, code: str) -> Text:
    """The word of a code in both languages; the code itself where the group has none."""
    return Text(*(official_words(group, lang).get(code, code) for lang in ("zh", "en")))


@cache
def _codes(files: tuple[Path, ...], group: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for code, entry in _table(files)[group].items():
        for word in (code, entry["zh"], entry["en"], *entry.get("also", [])):
            if found.setdefault(bare(word), code) != code:
                raise ValueError(
                    f"official.yaml: {word!r} of {group} means {code} and {found[bare(word)]}"
                )
    return found
