"""Printed labels taken apart: numbering, prefix, code, 其中, 同口径."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_ROW = re.compile(r"^第(\d+)行\s*")
_NUMBERING = re.compile(
    r"^(?:[一二三四五六七八九十]+、|\([一二三四五六七八九十]+\)|\d{1,2}[.、](?!\d)|\(\d{1,2}\))\s*"
)
_LEVELS = (
    re.compile(r"^[一二三四五六七八九十]+、"),
    re.compile(r"^\([一二三四五六七八九十]+\)"),
    re.compile(r"^\d{1,2}[.、](?!\d)"),
    re.compile(r"^\(\d{1,2}\)"),
)
_CODE = re.compile(r"(?:\((\d{3,7})\)|\s([A-Z]\d{2,10})|\s*\(code illegible\))$")
_BRACKETS = re.compile(r"\([^()]*\)")
_OF_WHICH = re.compile(r"^其中[::]?\s*")
_LIKE = re.compile(r"同口径|可比口径|like[-_ ]for[-_ ]like")
_TOTAL = re.compile(r"^(?:合计|总计|共计|总和|总额|total)$|(?:合计|总计|总额|共计)$", re.IGNORECASE)
_SUBTOTAL = re.compile(r"小计$")


@dataclass(frozen=True, slots=True)
class Label:
    """What a printed label says.

    Attributes
    ----------
    core
        The name without numbering, prefix, code and brackets.
    prefix
        What stands before a colon: ``增值税`` in ``增值税:中央``.
    row
        The number in ``第3行 …``, else 0.
    code
        A budget code such as ``201`` in ``一般公共服务支出(201)``.
    of_which
        The label begins with 其中.
    like_for_like
        The label says 同口径.
    level
        Depth by its numbering (一、 is 1, （一） 2, 1. 3, (1) 4), 0 without.
    """

    raw: str
    core: str
    prefix: str
    row: int
    code: str
    of_which: bool
    like_for_like: bool
    level: int

    @property
    def is_total(self) -> bool:
        """合计, 总计 and the like."""
        return bool(_TOTAL.search(self.core))

    @property
    def is_subtotal(self) -> bool:
        """小计."""
        return bool(_SUBTOTAL.search(self.core))


@lru_cache(maxsize=65536)
def label(raw: str) -> Label:
    """Take a printed label apart.

    >>> label("第3行 物业管理服务 C21").core, label("其中:返还性收入").of_which
    ('物业管理服务', True)
    >>> label("增值税:合计").prefix, label("一般公共服务支出(201)").code
    ('增值税', '201')
    """
    text = unicodedata.normalize("NFKC", raw).strip()
    row = _ROW.match(text)
    text = _ROW.sub("", text)
    level = next((n for n, p in enumerate(_LEVELS, 1) if p.match(text)), 0)
    text = _NUMBERING.sub("", text)
    of_which = bool(_OF_WHICH.match(text))
    text = _OF_WHICH.sub("", text)
    like = bool(_LIKE.search(text))
    code = _CODE.search(text)
    text = _CODE.sub("", text).strip()
    before, colon, after = text.partition(":")
    prefix, core = (before.strip(), after.strip()) if colon and after.strip() else ("", text)
    core = _BRACKETS.sub("", core).replace(" ", "").strip(":、 ") or core
    return Label(
        raw=raw,
        core=core,
        prefix=prefix,
        row=int(row[1]) if row else 0,
        code=(code[1] or code[2] or "") if code else "",
        of_which=of_which,
        like_for_like=like,
        level=level,
    )


def years_of(text: str) -> tuple[int, ...]:
    """Every year from 1950 to 2099 in a text, in order.

    >>> years_of("2015-2019"), years_of("2024决算"), years_of("全年")
    ((2015, 2019), (2024,), ())
    """
    return tuple(int(y) for y in re.findall(r"(?<!\d)(19[5-9]\d|20\d\d)(?!\d{3})", text))


def same_name(name: str) -> str:
    """A name without words that one table prints and another leaves out.

    >>> same_name("预算绩效评价咨询服务") == same_name("预算绩效评价咨询")
    True
    """
    text = re.sub(r"^地方(?=一般公共)", "", name).removesuffix("测算")
    return re.sub(r"(?:服务|业务|工作|支出|经费|费用|费)$", "", text) or text
