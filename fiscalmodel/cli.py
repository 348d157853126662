"""The ``fiscalmodel`` command.

Exit codes: 0 fine, 1 some scenario failed, 2 bad input, 130 interrupted.
Heavy modules load inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from fiscalmodel import __version__

#: Commands whose modules load when they are named: name -> module, attribute, short help.
_LAZY: dict[str, tuple[str, str, str]] = {
    "batch": (
        "fiscalmodel.cli_batch",
        "batch_command",
        "Run a plan: regions × scenarios × notebooks.",
    ),
    "check": (
        "fiscalmodel.cli_check",
        "check",
        "Check data, parameters and scenarios; run nothing.",
    ),
    "compare": ("fiscalmodel.cli_report", "compare", "Compare scenarios in one table."),
    "new": ("fiscalmodel.cli_check", "new", "Set up a county: region, workbook, scenario."),
    "notebooks": (
        "fiscalmodel.cli_batch",
        "notebooks_command",
        "Re-execute the project's notebooks.",
    ),
    "recipe": (
        "fiscalmodel.cli_batch",
        "recipe_command",
        "Print what runs a plan on Slurm, Kubernetes or Airflow.",
    ),
    "run": ("fiscalmodel.cli_report", "run", "Make the reports of scenarios."),
    "template": ("fiscalmodel.cli_check", "template", "Write an Excel template for your own data."),
    "whatif": ("fiscalmodel.cli_report", "whatif", "Write a page with sliders for a scenario."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return None
        module, attribute, _ = _LAZY[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        # Every command takes --lang: it decides the language of its messages too.
        own = [option for option in command.params if option.name == "lang"]
        if not own:
            choice = click.Choice(["zh", "en"])
            own = [click.Option(["--lang"], type=choice, expose_value=False, help="Language.")]
            command.params += own
        own[0].callback = _speak
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from fiscalmodel.errors import did_you_mean
        from fiscalmodel.words import say

        if args and args[0] not in _LAZY and not args[0].startswith("-"):
            near = did_you_mean(args[0], _LAZY)
            ctx.fail(f"{say('ground.no_command', name=args[0])} {near}".strip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in sorted(_LAZY.items())])


def _speak(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Messages in the language asked for, in this process and in those it starts."""
    if value is not None and context.get_parameter_source("lang") != ParameterSource.DEFAULT:
        os.environ["FISCALMODEL_LANG"] = value
    return value


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fiscalmodel")
def group() -> None:
    """Fiscal modelling and forecasting for district and county finance bureaus."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs the command and exits with the code of the guide."""
    from fiscalmodel.errors import InputError
    from fiscalmodel.words import say

    try:
        status = group.main(args=arguments, prog_name="fiscalmodel", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo(say("ground.interrupted"), err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except InputError as error:
        for problem in error.problems:
            click.echo(say("ground.error", problem=problem), err=True)
        if len(error.problems) > 1:
            click.echo(say("ground.many_errors", count=len(error.problems)), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo(say("ground.interrupted"), err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.exit(status if isinstance(status, int) else 0)


def scenario_paths(given: tuple[str, ...]) -> list[Path]:
    """Files and folders as named, or every scenario of the project."""
    from fiscalmodel.errors import InputError
    from fiscalmodel.run.report import default_scenarios

    if not given:
        return default_scenarios()
    paths: list[Path] = []
    for name in given:
        if Path(name).is_dir():
            inside = sorted(Path(name).rglob("*.yaml"))
            if not inside:
                raise InputError(name, "ground.no_scenario_file")
            paths += inside
        else:
            paths.append(Path(name))
    return paths
