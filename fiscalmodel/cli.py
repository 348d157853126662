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
from fiscalmodel.words import Text, say

#: Commands, whose modules load when they are named: name -> module, attribute.
_LAZY: dict[str, tuple[str, str]] = {
    "batch": ("fiscalmodel.cli_batch", "batch_command"),
    "check": ("fiscalmodel.cli_check", "check"),
    "compare": ("fiscalmodel.cli_report", "compare"),
    "export": ("fiscalmodel.cli_export", "export"),
    "new": ("fiscalmodel.cli_check", "new"),
    "notebooks": ("fiscalmodel.cli_batch", "notebooks_command"),
    "recipe": ("fiscalmodel.cli_batch", "recipe_command"),
    "run": ("fiscalmodel.cli_report", "run"),
    "template": ("fiscalmodel.cli_check", "template"),
    "whatif": ("fiscalmodel.cli_report", "whatif"),
}


class Command(click.Command):
    """A command whose help stands in ``params/words/cli.yaml``."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=str(say("cli.usage")))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.help = str(say(f"cli.{self.name}.about"))
        super().format_help_text(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for option in self.get_params(ctx):
            if isinstance(option, click.Option):
                option.help = str(self._explained(option))
                rows.append(option.get_help_record(ctx) or ("", ""))
        with formatter.section(str(say("cli.options"))):
            formatter.write_dl(rows)

    def _explained(self, option: click.Option) -> Text:
        name = "help" if "--help" in option.opts else option.name
        for key in (f"cli.{self.name}.{name}", f"cli.option.{name}"):
            try:
                return say(key, default=option.default)
            except KeyError:
                continue
        raise KeyError(f"no words for {option.opts} of {self.name}")


class LazyGroup(Command, click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return None
        module, attribute = _LAZY[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        # Every command takes --lang: it decides the language of its messages too.
        own = [option for option in command.params if option.name == "lang"]
        if not own:
            choice = click.Choice(["zh", "en"])
            own = [click.Option(["--lang"], type=choice, expose_value=False)]
            command.params += own
        own[0].callback, own[0].is_eager = _speak, True
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from fiscalmodel.errors import did_you_mean

        if args and args[0] not in _LAZY and not args[0].startswith("-"):
            near = did_you_mean(args[0], _LAZY)
            ctx.fail(f"{say('ground.no_command', name=args[0])} {near}".strip())
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        Command.format_options(self, ctx, formatter)
        with formatter.section(str(say("cli.commands"))):
            formatter.write_dl([(name, str(say(f"cli.{name}.short"))) for name in sorted(_LAZY)])


def _speak(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Messages in the language asked for, in this process and in those it starts."""
    if value is not None and context.get_parameter_source("lang") != ParameterSource.DEFAULT:
        os.environ["FISCALMODEL_LANG"] = value
    return value


@click.command(
    "fiscalmodel", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="fiscalmodel")
def group() -> None:
    """The commands of the suite."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs the command and exits with the code of the guide."""
    from fiscalmodel.errors import InputError

    try:
        status = group.main(args=arguments, prog_name="fiscalmodel", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
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
        click.echo(say("ground.many_errors", count=len(error.problems)), err=True)
        sys.exit(2)
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
        inside = sorted(Path(name).rglob("*.yaml")) if Path(name).is_dir() else [Path(name)]
        if not inside:
            raise InputError(name, "ground.no_scenario_file")
        paths += inside
    return paths
