"""``python -m npcnn explore model.h5``: a saved model in the browser, live."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import sys

from npcnn.checks import NpcnnError
from npcnn.streams import say


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m npcnn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    explore = commands.add_parser("explore", help="open a saved model in the browser, live")
    explore.add_argument("model", help="a .h5 or .keras file")
    data = "mnist (default), an .npz with x and y, x_test and y_test, or a folder for each class"
    explore.add_argument("--data", default="mnist", help=data)
    explore.add_argument("--scale", type=float, default=1.0, help="divide x by it, such as 255")
    classes = "what the classes are called: cat,dog or a file with a name in each line"
    explore.add_argument("--classes", default="", help=classes)
    explore.add_argument("--port", type=int, default=0)
    explore.add_argument("--no-browser", action="store_true", help="only say the address")
    given = parser.parse_args(arguments)
    try:
        from npcnn.page.command import explore_file

        explore_file(
            given.model, given.data, given.scale, given.classes, given.port, not given.no_browser
        )
    except NpcnnError as error:
        say(str(error), "stderr")
        return 1
    except KeyboardInterrupt:  # while it loads
        return 130
    return 0


def leave(status: int) -> None:
    """End the process without taking it apart: compiled kernels alone would take a second."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
