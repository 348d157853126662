"""``fiscalmodel export``."""

from __future__ import annotations

from pathlib import Path

import click

from fiscalmodel.cli import scenario_paths

FORMATS = ("docx", "pdf", "xlsx", "html")


@click.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO.yaml...")
@click.option("--to", "formats", default="docx,pdf", help="docx, pdf (these two), xlsx, html.")
@click.option("--out", default="reports", show_default=True, help="Folder for the files.")
@click.option("--public", is_flag=True, help="Without hidden debt, below OUT/public.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", help="Language.")
def export(scenarios: tuple[str, ...], formats: str, out: str, public: bool, lang: str) -> int:
    """Write the report of each SCENARIO.yaml as Word, PDF, Excel or a page.

    The report is made first where it is not there or no longer true; all formats say the same.
    """
    from fiscalmodel.errors import InputError, did_you_mean, known_names
    from fiscalmodel.run.export import export_reports
    from fiscalmodel.words import say

    wanted = list(dict.fromkeys(part.strip() for part in formats.split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            hint = did_you_mean(name, FORMATS) or known_names(FORMATS)
            raise InputError("--to", "run.unknown_format", hint, name=name)
    folder = Path(out) / "public" if public else Path(out)
    made = export_reports(scenario_paths(scenarios), wanted, folder, lang=lang, public=public)
    for path in made.files:
        click.echo(str(path))
    for failed in made.failed:
        click.echo(say("ground.error", problem=failed), err=True)
    return made.exit_code
