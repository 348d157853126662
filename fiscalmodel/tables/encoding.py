"""Text of a CSV file: UTF-8, UTF-8 with BOM, UTF-16 with BOM and GB18030 told apart."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from fiscalmodel.errors import InputError

#: Bytes valid in UTF-8 are seldom so by chance: another reading must be clearly better.
_MARGIN = 0.2
_HINT = "save it again as CSV UTF-8（逗号分隔）or as xlsx"

#: Characters that fill fiscal tables; they tell a true reading from a chance one.
_FISCAL = frozenset(
    "一二三四五六七八九十年度月日上下本当前后合总小计其中加减增长降率比重同期数额金单位元万亿千百分"
    "收入支出预算决算执行调整完成进平衡结余转移性财政税非公共般政府基金国有资经营社会保险地方中央省市县区"
    "级企业个人所得值营房产城镇土使用契印花车船耕占环境源维护建设费罚没专项行事款债务券限还息付新换"
    "补助返均教育文化体卫生健康住障就服农林水交通科学技术安全局银行代手续名称编码号期间备注说明表指标目类别"
    "来元口径隐化解项目利到起始"
)
_PLAIN = frozenset("·—…×÷±°§“”‘’、。《》〈〉【】〔〕％‰①②③④⑤⑥⑦⑧⑨⑩△▲■□○●★√→￥¥℃㎡")


@dataclass(frozen=True)
class Decoded:
    """Text, the encoding it was read in, and what to say about the choice (may be empty)."""

    text: str
    encoding: str
    note: str = ""


def decode(data: bytes, *, where: str) -> Decoded:
    """The text of `data`.

    A byte order mark decides. Else bytes that are valid in one encoding only
    are read in it; bytes valid in both (short files) are read in the one that
    gives common characters, which the note says.

    Raises
    ------
    InputError
        If the file is empty, is no text, is damaged (with the line of the
        first bad byte), or was decoded wrongly before it was saved.
    """
    if not data.strip(b"\x00\t\r\n ") or data in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
        raise InputError(where, "the file is empty", "put the table into it, or leave the file out")
    found = _with_mark(data, where)
    if found is None:
        if b"\x00" in data:
            raise InputError(where, "this is no text file (it holds NUL bytes)", _HINT)
        found = _without_mark(data, where)
    _refuse_damage(found.text, where)
    return found


def _with_mark(data: bytes, where: str) -> Decoded | None:
    for mark, name, encoding in (
        (codecs.BOM_UTF8, "UTF-8 with a byte order mark", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
        (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return Decoded(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise _broken(data, error.start, name, where) from None
    return None


def _without_mark(data: bytes, where: str) -> Decoded:
    if data.isascii():
        return Decoded(data.decode("ascii"), "utf-8")
    utf8, utf8_bad = _attempt(data, "utf-8")
    if utf8 is not None:
        _refuse_garbled(utf8, where)
    gb, gb_bad = _attempt(data, "gb18030")
    if utf8 is not None and (gb is None or plausibility(utf8) > plausibility(gb) - _MARGIN):
        return Decoded(utf8, "utf-8")
    if gb is not None and utf8 is not None:
        return Decoded(gb, "gb18030", "valid in UTF-8 and in GB18030; read as GB18030 文字可读者")
    rest = data.decode("utf-8", errors="ignore")
    mostly_utf8 = _share_of_utf8(data) > 0.6 and (
        gb is None or plausibility(rest) >= plausibility(gb)
    )
    if gb is not None and not mostly_utf8 and plausibility(gb) > 0.1:
        return Decoded(gb, "gb18030", "read as GB18030 (not UTF-8)")
    if mostly_utf8 or gb is not None:
        raise _broken(data, utf8_bad, "UTF-8" if mostly_utf8 else "UTF-8 or GB18030", where)
    raise _broken(data, gb_bad, "GB18030", where)


def plausibility(text: str) -> float:
    """How far the characters beyond ASCII are those of a Chinese fiscal table, −1 to 1."""
    marks = [_weight(c) for c in text if c > "\x7f"]
    return sum(marks) / len(marks) if marks else 1.0


def _weight(char: str) -> float:
    if char in _FISCAL:
        return 1.0
    if "\uff21" <= char <= "\uff5a":
        return 0.3  # full-width letters
    if char in _PLAIN or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef":
        return 0.9
    is_hanzi = "\u3400" <= char <= "\u9fff"
    try:
        row = char.encode("gb2312")[0]
    except UnicodeEncodeError:
        return -0.5 if is_hanzi else -1.0
    if not is_hanzi:
        return 0.9 if row <= 0xA3 else -0.5  # signs and digits; Greek, Cyrillic, kana are rare
    return 0.7 if row <= 0xD7 else 0.2  # level 1 of GB 2312 holds the common characters


def _attempt(data: bytes, encoding: str) -> tuple[str | None, int]:
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError as error:
        return None, error.start


def _share_of_utf8(data: bytes) -> float:
    """Share of the bytes beyond ASCII that stand in a valid UTF-8 character of three bytes."""
    beyond = sum(byte > 0x7F for byte in data)
    text = data.decode("utf-8", errors="ignore")
    return sum(3 for c in text if "\u0800" <= c <= "\uffff") / beyond if beyond else 0.0


def _broken(data: bytes, start: int, encoding: str, where: str) -> InputError:
    line = data.count(b"\n", 0, start) + 1
    return InputError(
        f"{where}:{line}",
        f"byte 0x{data[start]:02X} (at {start}) is not {encoding}: the file is damaged or cut off",
        _HINT,
    )


def _refuse_damage(text: str, where: str) -> None:
    for mark in ("\ufffd", "锟斤拷", "\x00"):
        at = text.find(mark)
        if at >= 0:
            line = text.count("\n", 0, at) + 1
            raise InputError(
                f"{where}:{line}", "characters were lost before the file was saved", _HINT
            )
    _refuse_garbled(text, where)


def _refuse_garbled(text: str, where: str) -> None:
    if text.isascii():
        return
    for wrong in ("gb18030", "latin-1", "cp1252"):
        try:
            meant = text.encode(wrong).decode("utf-8")
        except UnicodeError:
            continue
        hanzi = sum("\u3400" <= c <= "\u9fff" for c in meant)
        if hanzi > 1 and plausibility(meant) > plausibility(text) + _MARGIN:
            raise InputError(
                where,
                f"the text is garbled: UTF-8 that was once read as {wrong} ({text[:12]!r} …)",
                "get the original file, or save it again as CSV UTF-8",
            )
