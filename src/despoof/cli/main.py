"""The entry point: commands, exit codes, and the one place where errors end."""

import io
import logging
import sys
import traceback
from collections.abc import Sequence

import typer

from despoof.cli import (
    bench,
    calibrate,
    check,
    data,
    demo,
    evaluate,
    export,
    models,
    score,
    simulate,
    train,
    watch,
)
from despoof.cli.options import INTERRUPTED, LIVE, UNDECIDED, USAGE, VersionOption
from despoof.cli.output import complain
from despoof.core.errors import ConfigError, DespoofError, InputError

app = typer.Typer(
    help="Is the face in front of the camera a person or a picture of one, and why?",
    epilog="Example: despoof check selfie.jpg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = {
    "calibrate": (calibrate.calibrate, calibrate.EXAMPLE),
    "check": (check.check, check.EXAMPLE),
    "demo": (demo.demo, demo.EXAMPLE),
    "evaluate": (evaluate.evaluate, evaluate.EXAMPLE),
    "export": (export.export, export.EXAMPLE),
    "models": (models.models, models.EXAMPLE),
    "score": (score.score, score.EXAMPLE),
    "simulate": (simulate.simulate, simulate.EXAMPLE),
    "train": (train.train, train.EXAMPLE),
    "watch": (watch.watch, watch.EXAMPLE),
}
for _name, (_command, _example) in _COMMANDS.items():
    app.command(_name, epilog=_example)(_command)
_GROUPS = {"bench": bench.app, "data": data.app}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name)


@app.callback()
def root(version: VersionOption = False) -> None:
    """Take the options that stand before a command; its help is `app`'s."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Never raises for bad input.

    Args:
        arguments: of the command line, without the program's name.
    """
    log = logging.getLogger("despoof")
    level = log.level
    if "--debug" in arguments:  # the traceback of each file that was passed over
        log.setLevel(logging.DEBUG)
    try:
        code = app(args=list(arguments), prog_name="despoof", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error, arguments)
    except SystemExit:
        # How typer and rich end when nobody reads stdout any more; their 1 would say "a spoof".
        return UNDECIDED
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        return _end(error, debug="--debug" in arguments)
    finally:
        log.setLevel(level)
    if code == INTERRUPTED:
        complain("stopped.")
    return code if isinstance(code, int) else LIVE


def run() -> None:
    """Run the command line of this process and exit."""
    for stream in (sys.stdout, sys.stderr):  # names that are not UTF-8 must not stop the rest
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    remarks = logging.StreamHandler()
    remarks.setFormatter(logging.Formatter("despoof: %(message)s"))
    logging.getLogger("despoof").addHandler(remarks)
    sys.exit(main(sys.argv[1:]))


def _usage(error: typer.TyperException, arguments: Sequence[str]) -> int:
    format_message = getattr(error, "format_message", None)
    message = str(format_message() if callable(format_message) else error).strip()
    known = _COMMANDS.keys() | _GROUPS.keys()
    command = next((word for word in arguments if word in known), "")
    if message:  # empty when the help was printed because nothing was asked
        complain(f"{message} See: {' '.join(filter(None, ['despoof', command]))} --help")
    return USAGE


def _end(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, DespoofError):
        complain(str(error))
        return USAGE if isinstance(error, ConfigError | InputError) else UNDECIDED
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        complain(f"{place}{error.strerror or error}.")
    else:
        hint = "" if debug else " This is a bug; --debug shows where."
        complain(f"unexpected {type(error).__name__}: {error}.{hint}")
    return UNDECIDED
