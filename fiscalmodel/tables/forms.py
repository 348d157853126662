"""What a table is, by its title: official form, region, level, year and version.

The titles stand in ``params/schema/forms.yaml``. What they do not tell stays unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from fiscalmodel.folders import settled_files
from fiscalmodel.numerals import plain
from fiscalmodel.tables.table import About, Table
from fiscalmodel.words import Text
from fiscalmodel.yamlio import load_yaml

_REGION = re.compile(
    r"(?P<name>[\u4e00-\u9fff]{1,10}?(?:自治区|自治州|自治县|自治旗|省|地区|市|县|州|盟|旗|区|镇|乡))"
    r"(?=$|\d|市?本级|[县区市]本级|地方|政府|一般|公共|国有|社会|社保|分地区|财政|债|新增|预算|收支|全口径|资金|收入|支出|台账|缴款|手续费|代收|置换|化[债解]|存量|库款|项目|“?三[公保]|月|非税|税收|国库|数据|统计|情况|法定|隐性|专项|部门|决算|对下|转移支付|下级|所属|分[地县市区]|各[县市区]|\()"
)
#: Of several years (2023-2024年) the last.
_YEAR = re.compile(r"(?:(?:19|20)\d\d年?[-至~、和])*((?:19|20)\d\d)\s*年?")
#: A column of another year than the table's.
_LAST = re.compile(r"[上去前]年")
_DATED = re.compile(r"(?:19|20)\d\d\s*年?[末底度]?(?:至|-)?")
#: Words that end as regions do and are none that accounts are kept for.
NO_REGION = re.compile(
    r"分(?:地区|[县市区]+)|全[省市县区州盟旗][和及与].*|各[县市区]+|.*(?:转移支付|分地区)|"
    r"[全本]?[省市县区州盟旗]{1,3}|本级|自治[区州县旗]|[全本]自治[区州县]|"
    r".*(?:开发|高新|园|景|片|灌|小|社|棚户|工业|产业|保税|示范|度假)区|"
    r"[新矿库林]区|(?:主|中心|老|市|县)?城区|[县市区]?[城乡][市镇]"
)
_CODE = re.compile(r"(?:附?表)?(\d-\d{1,2})(?!\d)")
_NUMBERED = re.compile(r"^(?:附?表|附件)[\d一二三四五六七八九十.-]*|^\d{2,6}(?=[\u4e00-\u9fff])")
_LEVELS = {
    "own": re.compile(r"[省市县区州盟旗]?本级"),
    "whole": re.compile(r"全[省市县区州盟旗]|全口径|本地区"),
}
_VERSIONS = (
    ("final_account", r"决算"),
    ("adjusted_budget", r"调整(?:预算|方案)|预算调整"),
    ("execution", r"执行|完成情况"),
    ("initial_budget", r"预算"),
)

#: Names of the four budgets, which say nothing of the version.
_BUDGETS = re.compile(r"(?:一般公共|公共财政|国有资本经营|政府性基金|社会保险基金)预算")


@dataclass(frozen=True)
class Form:
    """An official form."""

    id: str
    name: Text
    title: re.Pattern[str]
    without: re.Pattern[str] | None
    code: str
    alone: bool
    #: Forms whose place it takes where the table's owner fits.
    of: re.Pattern[str] | None
    owner: re.Pattern[str] | None


def forms() -> tuple[Form, ...]:
    """The forms of ``params/schema/forms.yaml`` in order."""
    return _forms(settled_files("schema/forms.yaml"))


@cache
def _forms(files: tuple[Path, ...]) -> tuple[Form, ...]:
    loaded: list[Any] = [load_yaml(file)[0] for file in files]
    entries = {name: e for data in loaded for name, e in data["forms"].items()}
    found = []
    for name, e in entries.items():
        without, of, owner = (re.compile(e[k]) if k in e else None for k in ("not", "of", "owner"))
        title, code, alone = re.compile(e["title"]), str(e.get("code", "")), bool(e.get("alone"))
        name_of = Text(e["zh"], e["en"])
        found.append(Form(name, name_of, title, without, code, alone, of, owner))
    return tuple(found)


def about(titles: Sequence[str], sheet: str, columns: Sequence[str] = (), owner: str = "") -> About:
    """What the titles of a table, its sheet's name, its headers and who compiled it say of it.

    >>> found = about(["1508 巴彦淖尔市2018年地方政府债务限额及余额决算情况表"], "表4-1")
    >>> found.form, found.region, found.year, found.level, found.version
    ('debt_limit_balance', '巴彦淖尔市', 2018, '', 'final_account')
    >>> found = about(["2026年市本级政府性基金预算支出情况表"], "31", ["2026年预算数"])
    >>> found.form, found.region, found.year, found.level, found.version
    ('government_fund_expenditure', '', 2026, 'own', 'initial_budget')
    >>> found = about(["2026年上级对白河区转移支付表"], "五", ["项目", "预算数"])
    >>> found.region, found.year, found.version
    ('白河区', 2026, 'initial_budget')
    >>> found = about(["一般公共预算支出表"], "表5", owner="白河区水利局")
    >>> found.form, found.region
    ('department_budget', '白河区')
    """
    texts = [_arabic(re.sub(r"\s+", "", plain(text))) for text in (*titles, sheet) if text]
    form = next((f.id for f in forms() for text in texts if _fits(f, text)), "")
    if not form and any("债" in text for text in (*texts, *columns)):
        codes = {m[1] for m in map(_CODE.match, texts) if m}
        form = next((f.id for f in forms() if f.alone and f.code in codes), "")
    form = next(
        (f.id for f in forms() if f.of and f.owner and f.of.match(form) and f.owner.match(owner)),
        form,
    )
    years = [int(m[1]) for m in map(_YEAR.search, texts) if m]
    region = next((name for text in texts if (name := _region(text))), "") or _owner(owner)
    # A title that names both levels tells neither.
    told = ([name for name, said in _LEVELS.items() if said.search(text)] for text in texts)
    level, *others = next(filter(None, told), [""])
    version = next((v for text in texts if (v := _version(_BUDGETS.sub("", text)))), "")
    if not version and years:
        version = _version(" ".join(c for c in columns if str(years[0]) in c))
    if not version and years and not any(_YEAR.search(c) for c in columns):
        # 预算数 alone is the version of all of the table.
        said = {_version(c) for c in columns if c.endswith("数") and not _LAST.search(c)}
        version = said.pop() if len(said) == 1 else ""
    return About(form, region, "" if others else level, years[0] if years else None, version)


def _arabic(text: str) -> str:
    """二〇二四年 as 2024年."""
    years = re.compile(r"[二一][〇○零Oo九][〇○零Oo一二三四五六七八九]{2}(?=年)")
    digits = str.maketrans("〇○零Oo一二三四五六七八九", "00000123456789")
    return years.sub(lambda m: m[0].translate(digits), text)


def _version(text: str) -> str:
    return next((code for code, pattern in _VERSIONS if re.search(pattern, text)), "")


def _fits(form: Form, text: str) -> bool:
    return bool(form.title.search(text)) and not (form.without and form.without.search(text))


def _owner(text: str) -> str:
    """The region that a body's name begins with: 青山县水利局."""
    found = re.match(r"[\u4e00-\u9fff]{1,9}?(?:自治[区州县旗]|[省市县盟旗州区])", text)
    return found[0] if found and len(found[0]) > 1 and not NO_REGION.fullmatch(found[0]) else ""


def _region(text: str) -> str:
    for match in _REGION.finditer(_DATED.sub("", _NUMBERED.sub("", text))):
        name = re.sub(r"^(?:度|年|末|底|关于|(?:上级|中央|[省市州]级?)对)+", "", match["name"])
        # 青山市市对下, 青山县县本级: the level is said again.
        name = re.sub(r"(?<=.[省市县州盟旗区])(.)(?<=\1\1)$", "", name)
        if len(name) > 1 and not NO_REGION.fullmatch(name):
            return name
    return ""


def known_together(tables: Iterable[Table]) -> list[Table]:
    """Tables of one workbook: where a title names no region, the one that the others name."""
    found = list(tables)
    named = Counter(t.about.region for t in found if t.about.region)
    (region, count), *_ = named.most_common(1) or [("", 0)]
    if not region or count < 0.8 * sum(named.values()):
        return found
    return [
        t if t.about.region else replace(t, about=replace(t.about, region=region)) for t in found
    ]
