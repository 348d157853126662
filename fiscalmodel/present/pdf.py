"""Reports as PDF, set with the font that comes along: no other program is needed.

The file holds the glyphs that it uses, so that it looks alike on every machine; official type
faces are named in the Word file instead, from which a bureau's own Word or WPS prints.
"""

from __future__ import annotations

import io
import warnings
from typing import Any
from xml.sax.saxutils import escape

from fiscalmodel.display import font_file
from fiscalmodel.errors import InputError
from fiscalmodel.present.document import MARGINS, TOGETHER, WIDEST, column_widths
from fiscalmodel.present.paper import Grid, Heading, Paper, Passage, Picture
from fiscalmodel.words import say, tag

#: Printed where the font lacks a character: the mark that printers put for a missing sort.
MISSING = "〓"
_FONT = "NotoSansSC"
_MM = 72 / 25.4


def pdf_document(paper: Paper) -> bytes:
    """A report as a PDF file, with all that its page shows.

    A character that the font lacks is printed as 〓, and one warning names all of them.

    Raises
    ------
    InputError
        If reportlab or the font is missing.
    """
    try:
        import reportlab
    except ImportError:
        raise InputError("pdf", "present.no_pdf") from None
    if font_file() is None:
        raise InputError("pdf", "present.no_font")
    assert reportlab.__version__
    return _Setter(paper).set()


class _Setter:
    """Sets a paper: styles, then a flowable or more for each block."""

    def __init__(self, paper: Paper) -> None:
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont

        self.paper, self.lang = paper, paper.head.lang
        self.font = TTFont(_FONT, str(font_file()))
        pdfmetrics.registerFont(self.font)
        self.glyphs = self.font.face.charToGlyph
        self.lacking: dict[str, None] = {}
        base = ParagraphStyle("body", fontName=_FONT, fontSize=11.5, leading=19, wordWrap="CJK")
        self.body = ParagraphStyle("text", base, firstLineIndent=23)
        self.title = ParagraphStyle("title", base, fontSize=20, leading=30, alignment=1)
        self.meta = ParagraphStyle("meta", base, fontSize=10.5, alignment=1, spaceAfter=8)
        self.note = ParagraphStyle("note", base, fontSize=8.5, leading=13)
        self.unit = ParagraphStyle("unit", self.note, alignment=2)
        self.caption = ParagraphStyle(
            "caption", base, fontSize=12, leading=20, alignment=1, spaceBefore=8, keepWithNext=1
        )
        self.heads = {
            level: ParagraphStyle(
                f"head{level}", base, fontSize=size, leading=size * 1.6, spaceBefore=8,
                keepWithNext=1, textColor="#0072B2" if level == 1 else "#1C2733",
            )
            for level, size in ((1, 15), (2, 13), (3, 11.5))
        }  # fmt: skip

    def set(self) -> bytes:
        from reportlab.lib.pagesizes import A4, landscape
        from reportlab.platypus import (
            BaseDocTemplate,
            Frame,
            KeepTogether,
            NextPageTemplate,
            PageBreak,
            PageTemplate,
        )  # fmt: skip

        head, buffer = self.paper.head, io.BytesIO()
        top, bottom, left, right = (side * _MM for side in MARGINS)
        document = BaseDocTemplate(
            buffer, pagesize=A4, title=head.title, author="fiscalmodel", subject=head.mark,
            lang=tag(self.lang), invariant=1,
        )  # fmt: skip
        wide = landscape(A4)
        self.width, self.turned = A4[0] - left - right, wide[0] - top - bottom
        frames = [
            Frame(left, bottom, self.width, A4[1] - top - bottom, 0, 0, 0, 0),
            Frame(bottom, right, self.turned, wide[1] - left - right, 0, 0, 0, 0),
        ]
        document.addPageTemplates(
            [
                PageTemplate("upright", frames[:1], onPage=self._running, pagesize=A4),
                PageTemplate("turned", frames[1:], onPage=self._running, pagesize=wide),
            ]
        )
        story: list[Any] = [self._text(head.title, self.title), self._text(head.meta, self.meta)]
        if head.warning:
            story.append(self._text(head.warning, self.body))
        waiting: list[Any] = []
        for block in self.paper.blocks:
            if isinstance(block, Heading):
                text = f"{block.number}{block.text}"
                waiting.append(self._text(text, self.heads[block.level]))
                continue
            made = self._block(block)
            # Headings stay with what they stand over, also where that is kept together itself.
            inner = getattr(made[0], "_content", None) or [made[0]]
            made = [KeepTogether([*waiting, *inner]) if waiting else made[0], *made[1:]]
            waiting = []
            if isinstance(block, Grid) and len(block.heads) > WIDEST:
                turned, upright = NextPageTemplate("turned"), NextPageTemplate("upright")
                made = [turned, PageBreak(), *made, upright, PageBreak()]
            story += made
        story.append(self._text(head.foot, self.note))
        document.build(story)
        if self.lacking:
            warnings.warn(str(say("present.no_glyph", signs="".join(self.lacking))), stacklevel=4)
        return buffer.getvalue()

    def _running(self, canvas: Any, document: Any) -> None:
        """The mark of secrecy above and the page's number below."""
        width, height = canvas._pagesize
        canvas.setFont(_FONT, 11)
        canvas.drawString(MARGINS[2] * _MM, height - 15 * _MM, self._known(self.paper.head.mark))
        canvas.drawCentredString(width / 2, 15 * _MM, f"— {canvas.getPageNumber()} —")

    def _block(self, block: Passage | Grid | Picture) -> list[Any]:
        from reportlab.platypus import Image, Spacer

        if isinstance(block, Picture):
            image = Image(io.BytesIO(block.png))
            share = self.width / image.imageWidth
            image.drawWidth, image.drawHeight = self.width, image.imageHeight * share
            return [image, Spacer(1, 6)]
        if isinstance(block, Passage):
            style = self.note if block.kind == "note" else self.body
            many = block.kind == "notes" and len(block.lines) > 1
            leads = [f"{number}. " if many else "" for number in range(1, len(block.lines) + 1)]
            return [
                self._paragraph(lead + "".join(self._run(*run) for run in line), style)
                for lead, line in zip(leads, block.lines, strict=True)
            ]
        return self._grid(block, self.turned if len(block.heads) > WIDEST else self.width)

    def _grid(self, grid: Grid, width: float) -> list[Any]:
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import KeepTogether, LongTable, Spacer

        size = 9 if len(grid.heads) <= 6 else 7.5
        left = ParagraphStyle("cell", self.note, fontSize=size, leading=size * 1.4)
        right, middle = (ParagraphStyle(f"cell{n}", left, alignment=n) for n in (2, 1))
        rows = [[self._text(text, middle) for text in grid.heads]]
        for cells in grid.rows:
            styles = [right if numeric else left for numeric in grid.numeric]
            made = zip(cells, styles, strict=True)
            rows.append([self._text(cell.text, style) for cell, style in made])
        look = [
            ("GRID", (0, 0), (-1, -1), 0.5, "#8A9099"),
            ("BACKGROUND", (0, 0), (-1, 0), "#F0F4F8"),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
        widths = column_widths(grid, width, size * 0.58, 8)
        table = LongTable(rows, widths, repeatRows=1, style=look)
        above = [self._text(grid.label(self.lang), self.caption)] if grid.title else []
        if grid.unit:
            above.append(self._text(grid.unit, self.unit))
        notes = [self._text(note, self.note) for note in grid.notes]
        if len(grid.rows) <= TOGETHER:
            return [KeepTogether([*above, table, *notes]), Spacer(1, 8)]
        return [*above, table, *notes, Spacer(1, 8)]

    def _text(self, text: str, style: Any) -> Any:
        return self._paragraph(escape(self._known(text)), style)

    def _run(self, text: str, bold: bool) -> str:
        shown = escape(self._known(text))
        return f'<font color="#0072B2">{shown}</font>' if bold else shown

    def _paragraph(self, markup: str, style: Any) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(markup, style)

    def _known(self, text: str) -> str:
        """Text with the mark for each character that the font lacks."""
        made = []
        for sign in text:
            known = ord(sign) in self.glyphs or sign in "\n\t"
            if not known:
                self.lacking[sign] = None
            made.append(sign if known else MISSING)
        return "".join(made)
