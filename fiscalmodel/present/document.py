"""Reports as Word files: the page, the fonts and the numbering of official papers.

Page and type follow GB/T 9704-2012: A4 with margins of 37, 35, 28 and 26 mm, 22 lines of 28
characters, title in 小标宋 of size 二号, text in 仿宋 of 三号, heads in 黑体 and 楷体. The fonts
are named and not embedded, as official templates do: Word and WPS on a bureau's machine have
them, and take the other name that is given with each where they do not.
"""

from __future__ import annotations

import io
import math
import unicodedata
import zipfile
from typing import TYPE_CHECKING, Any

from fiscalmodel.display import text_width
from fiscalmodel.errors import InputError
from fiscalmodel.present.paper import Grid, Heading, Paper, Passage, Picture

if TYPE_CHECKING:
    from docx.document import Document

#: Margins in mm: top, bottom, left, right.
MARGINS = (37, 35, 28, 26)
#: Lines on a page, characters on a line, and the height of a line in points.
LINES, CHARACTERS, LEADING = 22, 28, 28
#: Place -> font and size in points (二号 22, 三号 16, 四号 14, 小四 12, 五号 10.5, 小五 9).
TITLE, BODY = ("方正小标宋简体", 22), ("仿宋_GB2312", 16)
FIRST, SECOND = ("黑体", 16), ("楷体_GB2312", 16)
NOTE, MARK, FOOT = ("仿宋_GB2312", 10.5), ("黑体", 14), ("宋体", 14)
#: Fonts -> what stands in for them where they are missing.
STAND_INS = {"方正小标宋简体": "宋体", "仿宋_GB2312": "仿宋", "楷体_GB2312": "楷体"}
#: Sizes of type in tables (五号, 小五, smaller): the first in which all columns fit is taken.
SIZES = (10.5, 9, 8, 7)
#: A table of at most so many rows is not broken over two pages.
TOGETHER = 18
#: A table of more columns than this stands on a page of its own, turned.
WIDEST = 9
_LATIN = "Times New Roman"
_TWIP, _WIDTH_MM, _TURNED_MM = 20, 210 - 28 - 26, 297 - 37 - 35
#: Twentieths of a point by which characters of the text stand closer, so that 28 fill a line:
#: a grid of characters would say it too, but is read differently by WPS and LibreOffice.
CLOSER = math.ceil((BODY[1] - _WIDTH_MM / 25.4 * 72 / CHARACTERS) * _TWIP)


def word_document(paper: Paper) -> bytes:
    """A report as a docx file, with all that its page shows.

    Raises
    ------
    InputError
        If python-docx is not installed (extra ``docs``).
    """
    try:
        import docx
    except ImportError:
        raise InputError("docx", "present.no_docx") from None
    made = docx.Document()
    _Builder(made, paper).build()
    buffer = io.BytesIO()
    made.save(buffer)
    return _undated(buffer.getvalue())


class _Builder:
    """The open document: each block of a paper becomes paragraphs, a table or a picture."""

    def __init__(self, document: Document, paper: Paper) -> None:
        self.document, self.paper, self.lang = document, paper, paper.head.lang

    def build(self) -> None:
        head = self.paper.head
        self._properties()
        self._set_page(self.document.sections[0])
        self._running_lines(self.document.sections[0])
        self._paragraph([(head.title, False)], TITLE, align="center", indent=False)
        if head.meta:
            self._paragraph([(head.meta, False)], SECOND, align="center", indent=False)
        if head.warning:
            self._paragraph([(head.warning, True)], BODY)
        waiting: list[Heading] = []
        for block in self.paper.blocks:
            if isinstance(block, Heading):
                waiting.append(block)  # a table on a turned page takes its headings along
                continue
            turned = isinstance(block, Grid) and len(block.heads) > WIDEST
            if turned:
                self._new_page(turned=True)
            for heading in waiting:
                self._heading(heading)
            waiting = []
            if isinstance(block, Passage):
                self._passage(block)
            elif isinstance(block, Grid):
                self._grid(block)
            elif isinstance(block, Picture):
                self._picture(block)
            if turned:
                self._new_page()
        if head.foot:
            self._paragraph([(head.foot, False)], NOTE, indent=False)

    def _properties(self) -> None:
        from docx.shared import Pt

        head, core = self.paper.head, self.document.core_properties
        core.title, core.category, core.author = head.title, head.mark, "fiscalmodel"
        core.created = core.modified = head.made_on
        normal = self.document.styles["Normal"]
        # The grid of the page counts in characters of this size.
        normal.font.name, normal.font.size = _LATIN, Pt(BODY[1])
        _name_fonts(normal.element.get_or_add_rPr(), BODY[0])

    def _set_page(self, section: Any, *, turned: bool = False) -> None:
        from docx.enum.section import WD_ORIENT
        from docx.oxml.ns import qn
        from docx.oxml.parser import OxmlElement
        from docx.shared import Mm

        top, bottom, left, right = MARGINS
        section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
        width, height = (297, 210) if turned else (210, 297)
        section.page_width, section.page_height = Mm(width), Mm(height)
        # Turned with the page: what was at the top is then at the left.
        sides = (left, right, bottom, top) if turned else (top, bottom, left, right)
        section.top_margin, section.bottom_margin = Mm(sides[0]), Mm(sides[1])
        section.left_margin, section.right_margin = Mm(sides[2]), Mm(sides[3])
        section.header_distance, section.footer_distance = Mm(15), Mm(28 if not turned else 15)
        for old in section._sectPr.findall(qn("w:docGrid")):
            section._sectPr.remove(old)
        grid = OxmlElement("w:docGrid")
        grid.set(qn("w:type"), "lines")
        room = (297 - top - bottom) / 25.4 * 72
        grid.set(qn("w:linePitch"), str(math.floor(room / LINES * _TWIP)))
        section._sectPr.append(grid)

    def _running_lines(self, section: Any) -> None:
        """The mark of secrecy above and the page's number below, on every page."""
        above = section.header.paragraphs[0]
        self._runs(above, [(self.paper.head.mark, False)], MARK)
        below = section.footer.paragraphs[0]
        below.alignment = 1
        self._runs(below, [("— ", False)], FOOT)
        self._page_number(below)
        self._runs(below, [(" —", False)], FOOT)

    def _page_number(self, paragraph: Any) -> None:
        from docx.oxml.ns import qn
        from docx.oxml.parser import OxmlElement

        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            run = self._run(paragraph, "", FOOT)
            made = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                made.set(qn("w:fldCharType"), kind)
            made.text = text or None
            run._r.append(made)

    def _heading(self, block: Heading) -> None:
        font = {1: FIRST, 2: SECOND}.get(block.level, BODY)
        paragraph = self._paragraph([(f"{block.number}{block.text}", block.level == 3)], font)
        paragraph.style = self.document.styles[f"Heading {block.level}"]
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = 0

    def _passage(self, block: Passage) -> None:
        font = NOTE if block.kind == "note" else BODY
        for number, line in enumerate(block.lines, 1):
            many = block.kind == "notes" and len(block.lines) > 1
            lead = [(f"{number}. ", False)] if many else []
            self._paragraph([*lead, *line], font)

    def _grid(self, grid: Grid) -> None:
        from docx.shared import Mm, Pt

        turned = len(grid.heads) > WIDEST
        if grid.title:
            above = self._paragraph(
                [(grid.label(self.lang), False)], FIRST, align="center", indent=False
            )
            above.paragraph_format.keep_with_next = True
        if grid.unit:
            above = self._paragraph([(grid.unit, False)], NOTE, align="right", indent=False)
            above.paragraph_format.keep_with_next = True
        whole = _TURNED_MM if turned else _WIDTH_MM
        size = next(
            (s for s in SIZES if sum(wanted_widths(grid, *_room(s))[0]) <= whole), SIZES[-1]
        )
        table = self.document.add_table(rows=1, cols=len(grid.heads))
        table.style, table.autofit = self.document.styles["Table Grid"], False
        _narrow_margins(table)
        widths = column_widths(grid, whole, *_room(size))
        self._row(table.rows[0], list(grid.heads), [True] * len(grid.heads), size, head=True)
        for cells in grid.rows:
            numbers = [numeric and bool(cell.text) for cell, numeric in
                       zip(cells, grid.numeric, strict=True)]  # fmt: skip
            self._row(table.add_row(), [cell.text for cell in cells], numbers, size)
        if len(grid.rows) <= TOGETHER:
            for row in table.rows[:-1]:
                for cell in row.cells:
                    cell.paragraphs[0].paragraph_format.keep_with_next = True
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for row in table.rows:
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = Mm(width)
        for note in grid.notes:
            self._paragraph([(note, False)], NOTE, indent=False)
        if not turned:
            after = self._paragraph([], NOTE, indent=False)
            after.paragraph_format.line_spacing = Pt(10)

    def _new_page(self, *, turned: bool = False) -> None:
        from docx.enum.section import WD_SECTION

        self._set_page(self.document.add_section(WD_SECTION.NEW_PAGE), turned=turned)

    def _row(
        self, row: Any, texts: list[str], numbers: list[bool], size: float, *, head: bool = False
    ) -> None:
        """A row that is not broken over pages; heads are repeated on each."""
        from docx.oxml.parser import OxmlElement
        from docx.shared import Pt

        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if head:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, text, number in zip(row.cells, texts, numbers, strict=True):
            paragraph: Any = cell.paragraphs[0]
            paragraph.alignment = 1 if head else 2 if number else 0
            paragraph.paragraph_format.line_spacing = Pt(size * 1.6)
            paragraph.paragraph_format.space_after = 0
            _off_grid(paragraph)
            self._runs(paragraph, [(text, False)], ("黑体" if head else BODY[0], size))

    def _picture(self, block: Picture) -> None:
        from docx.shared import Mm

        paragraph: Any = self.document.add_paragraph()
        paragraph.alignment, paragraph.paragraph_format.space_after = 1, 0
        shape = paragraph.add_run().add_picture(io.BytesIO(block.png), width=Mm(_WIDTH_MM))
        shape._inline.docPr.set("descr", block.alt)

    def _paragraph(
        self, runs: Any, font: tuple[str, float], *, align: str = "both", indent: bool = True
    ) -> Any:
        """A paragraph with lines of a fixed height, its first line two characters in."""
        from docx.enum.text import WD_LINE_SPACING
        from docx.oxml.ns import qn
        from docx.shared import Pt

        paragraph: Any = self.document.add_paragraph()
        layout = paragraph.paragraph_format
        layout.line_spacing_rule = WD_LINE_SPACING.EXACTLY
        layout.line_spacing = Pt(LEADING if font[1] > 11 else font[1] * 1.5)
        if font is TITLE:
            layout.line_spacing = Pt(34)
        layout.space_after = layout.space_before = Pt(0)
        paragraph.alignment = {"center": 1, "right": 2, "both": 3}[align]
        if font[1] < BODY[1]:
            _off_grid(paragraph)
        if indent:
            layout.first_line_indent = Pt(2 * font[1])
            paragraph._p.get_or_add_pPr().find(qn("w:ind")).set(qn("w:firstLineChars"), "200")
        self._runs(paragraph, runs, font)
        return paragraph

    def _runs(self, paragraph: Any, runs: Any, font: tuple[str, float]) -> None:
        for text, bold in runs:
            # Bold lead-ins of an answer stand in 黑体, as official papers do not use bold.
            self._run(paragraph, text, ("黑体", font[1]) if bold else font)

    def _run(self, paragraph: Any, text: str, font: tuple[str, float]) -> Any:
        from docx.oxml.ns import qn
        from docx.oxml.parser import OxmlElement
        from docx.shared import Pt, RGBColor

        run = paragraph.add_run(_clean(text))
        run.font.size, run.font.name, run.font.bold = Pt(font[1]), _LATIN, False
        run.font.italic, run.font.color.rgb = False, RGBColor(0, 0, 0)
        properties = run._r.get_or_add_rPr()
        _name_fonts(properties, font[0])
        if font[1] == BODY[1]:
            closer = OxmlElement("w:spacing")
            closer.set(qn("w:val"), str(-CLOSER))
            properties.find(qn("w:sz")).addprevious(closer)
        return run


def _off_grid(paragraph: Any) -> None:
    """Small type is not spread over the page's grid of characters and lines."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    off = OxmlElement("w:snapToGrid")
    off.set(qn("w:val"), "0")
    properties = paragraph._p.get_or_add_pPr()
    following = [qn(f"w:{name}") for name in ("spacing", "ind", "jc", "rPr")]
    after = next((child for child in properties if child.tag in following), None)
    if after is None:
        properties.append(off)
    else:
        after.addprevious(off)


def _name_fonts(properties: Any, font: str) -> None:
    """Latin letters and digits in one font, Chinese in another, and ambiguous signs as Chinese."""
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for name in ("w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(name), _LATIN)
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")


def _clean(text: str) -> str:
    """Text without control characters, which XML does not take."""
    return "".join(c for c in text if c in "\t\n" or unicodedata.category(c) != "Cc")


def _narrow_margins(table: Any) -> None:
    """One millimetre beside the text of each cell."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "57")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.append(margins)


def _room(size: float) -> tuple[float, float]:
    """Width of half a Chinese character of a size, and of what is beside a text, in mm."""
    return size * 0.6 / 72 * 25.4, 3


def column_widths(grid: Grid, whole: float, letter: float, beside: float) -> list[float]:
    """Widths of columns that add up to the whole, as for `wanted_widths`.

    Numbers and short texts keep their lines; long texts wrap.
    """
    wanted, long = wanted_widths(grid, letter, beside)
    fixed = sum(w for w, is_long in zip(wanted, long, strict=True) if not is_long)
    # Where all fit, or nothing can give way, each takes its share of what is left or lacking.
    if sum(wanted) <= whole or not any(long) or fixed >= whole * 0.85:
        return [whole * width / sum(wanted) for width in wanted]
    share = (whole - fixed) / (sum(wanted) - fixed)
    return [
        width * share if is_long else width for width, is_long in zip(wanted, long, strict=True)
    ]


def wanted_widths(grid: Grid, letter: float, beside: float) -> tuple[list[float], list[bool]]:
    """Width that each column would like to have, and whether its text may wrap.

    Parameters
    ----------
    letter, beside
        Width of half a Chinese character, and of the space beside a text, in one unit.
    """
    wanted, long = [], []
    for column, head in enumerate(grid.heads):
        longest = max((text_width(row[column].text) for row in grid.rows), default=0)
        long.append(not grid.numeric[column] and longest > 12)
        wanted.append(max(longest, 4, min(text_width(head), 8)) * letter + beside)
    return wanted, long


def _undated(content: bytes) -> bytes:
    """The same file without times of its making, and with stand-ins for its fonts named."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            data = old.read(name)
            if name == "word/fontTable.xml":
                data = data.replace(b"</w:fonts>", _stand_ins() + b"</w:fonts>")
            new.writestr(entry, data)
    return made.getvalue()


def _stand_ins() -> bytes:
    rows = (
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/></w:font>'
        for name, other in STAND_INS.items()
    )
    return "".join(rows).encode("utf-8")
