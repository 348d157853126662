"""``fiscalmodel batch`` and ``fiscalmodel notebooks``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("batch")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--out", default="reports", show_default=True, help="Folder, or s3://… and the like.")
@click.option("--workers", type=click.IntRange(1, 512), help="Notebooks at a time.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler; 'local' starts a cluster.")
@click.option("--retry", type=click.IntRange(0, 20), default=0, help="Run failed ones again.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more after a failure.")
@click.option("--only-failed", is_flag=True, help="Only what failed the last time.")
@click.option("--timeout", help="Deadline for a whole notebook, as 90s, 2min, 1h.")
@click.option("--memory", help="Limit for a notebook's kernel, as 500M, 2G.")
@click.option("--cold", is_flag=True, help="Ordinary kernels instead of forked ones.")
@click.option("--log-json", is_flag=True, help="One JSON object a line on standard output.")
def batch_command(
    plan: Path,
    out: str,
    workers: int | None,
    scheduler: str | None,
    retry: int,
    fail_fast: bool,
    only_failed: bool,
    timeout: str | None,
    memory: str | None,
    cold: bool,
    log_json: bool,
) -> int:
    """Run PLAN: regions × scenarios × notebooks.

    A second call does only what is missing or changed.
    """
    from fiscalmodel.run.batch import run_batch
    from fiscalmodel.run.limits import parse_duration, parse_size

    result = run_batch(
        plan,
        out=out,
        workers=workers,
        scheduler=None if scheduler == "local" else scheduler,
        dask=scheduler == "local",
        retry=retry,
        fail_fast=fail_fast,
        only_failed=only_failed,
        timeout=parse_duration(timeout, where="--timeout") if timeout else None,
        memory=parse_size(memory, where="--memory") if memory else None,
        kernel="cold" if cold else "warm",
        log_json=log_json,
    )
    click.echo(str(result), err=log_json)
    for failed in result.failed:
        click.echo(f"failed: {failed}", err=True)
    if result.interrupted:
        click.echo("interrupted; the same command does the rest", err=True)
    return result.exit_code


@click.command("notebooks")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--refresh", is_flag=True, help="Re-execute, show what changes, write.")
@click.option("--yes", is_flag=True, help="With --refresh: write without asking.")
def notebooks_command(paths: tuple[Path, ...], refresh: bool, yes: bool) -> int:
    """Re-execute notebooks and show which numbers differ.

    Without --refresh nothing is written, and a difference is exit code 1.
    """
    from fiscalmodel.run.notebooks import refresh as refresh_notebooks

    def ask(report: Any) -> bool:
        return yes or click.confirm(f"write {report.path.name}?", default=True)

    reports = refresh_notebooks(
        paths or None, write=refresh, confirm=ask, say=lambda text: click.echo(text)
    )
    if any(report.error for report in reports):
        return 1
    return 0 if refresh or not any(report.differences for report in reports) else 1
