"""Absurd values in every argument of every public call: each must make sense or end in one line.

    python benchmarks/absurd_calls.py --backend numpy --processes 2
    python benchmarks/absurd_calls.py --only Sequential.fit --verbose

The calls are found by walking the public names (`__all__` and what classes define). One argument
at a time gets an absurd value, the others are right. What a call makes is then used: a layer
trains a step, a callback sees a run. It ends well if it raises one NpcnnError of one line, or if
it succeeds where `absurd_values.SENSE` says that such a value means something, and leaves no NaN.
"""

from __future__ import annotations

import argparse
import collections
import inspect
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import absurd_ops
from absurd_fixtures import Fixtures
from absurd_names import ABSTRACT, ALSO, INSIDE, PARAMETERS, public_names
from absurd_values import ENDLESS, NO_NUMBERS, SENSE, VALUES, makes_sense

from npcnn.layers import Layer

LONGEST = 1000  # characters of an error
SECONDS = 5.0  # of processor time a call may take
PATIENCE = 60.0  # of wall time after which a call is ended
MEGABYTES = 1500  # more than before
LAYERS: set[str] = set()  # names of classes whose ** takes the arguments of all layers
RIGHT = ("error", "sense")
UNCHANGED = {"unpack_x_y_sample_weight"}  # gives what came
OVERFLOWS = {("exponential", "1e30 array")}  # to infinity, which is right

Call = tuple[str, str, str]  # what is called, which argument, which value


# What there is to call --------------------------------------------------------------------------


def find_calls() -> dict[str, list[str]]:
    """Return name → arguments of every public function, class and method."""
    found: dict[str, list[str]] = {}
    for name, thing in public_names():
        if inspect.isclass(thing) and issubclass(thing, Layer):
            LAYERS.add(name)
        if not inspect.isclass(thing):
            found[name] = _arguments(name, thing)
            continue
        if issubclass(thing, Exception):
            continue
        found[name] = _arguments(name, thing)
        for method, function in inspect.getmembers(thing):
            own = getattr(getattr(function, "__func__", function), "__module__", None) or ""
            hidden = method.startswith("_") and method not in ("__call__", "__getitem__")
            inside = method in INSIDE or f"{name}.{method}" in INSIDE or method[:3] == "on_"
            inside = inside and f"{name}.{method}" not in ALSO
            if callable(function) and own.startswith("npcnn") and not hidden and not inside:
                found[f"{name}.{method}"] = _arguments(f"{name}.{method}", function)
    return {name: a for name, a in found.items() if a and name not in ABSTRACT}


def _arguments(name: str, function: Any) -> list[str]:
    names = []
    for p in inspect.signature(function).parameters.values():
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            names += PARAMETERS["**"] if name in LAYERS and p.kind is p.VAR_KEYWORD else []
        elif p.name != "self":
            names.append(p.name)
    return names


# One call ---------------------------------------------------------------------------------------


def attempt(fixtures: Fixtures, call: Call) -> tuple[str, str]:
    """Return how a call ended, and the text of it; without an argument, with right ones."""
    from npcnn import NpcnnError

    target, argument, value = call
    try:
        function, arguments = fixtures.prepared(target)
    except Exception as error:
        return "fixture", f"{type(error).__name__}: {error!s:.200}"
    if argument:
        arguments[argument] = VALUES[value]()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            result = fixtures.call(function, arguments)
            fixtures.use(target, result)
        left = "" if absurd_ops.is_function(target) else fixtures.left(result)  # of NaN, NaN
    except NpcnnError as error:
        text = str(error)
        sound = "\n" not in text and len(text) <= LONGEST and text.isprintable()
        return ("error" if sound else "long"), text[:300]
    except BaseException as error:
        if argument and callable(arguments[argument]) and "function" in SENSE.get(argument, ()):
            return "sense", "what a function of the caller's raises is the caller's"
        return "raw", f"{type(error).__name__}: {error!s:.200}"
    if left:
        handed_on = value == "[nan]" or (argument == "values" and value in NO_NUMBERS)
        handed_on = (
            handed_on or (target, value) in OVERFLOWS or target == "unpack_x_y_sample_weight"
        )
        return ("sense", "NaN in, NaN out") if handed_on else ("odd", left)
    if not argument:
        return "sense", "right arguments"
    p = inspect.signature(function).parameters.get(argument)
    optional = p is None or p.default is None
    if absurd_ops.is_function(target):
        sound = absurd_ops.makes_sense(target, argument, value, optional)
    else:
        sound = makes_sense(target, argument, value, optional)
    return ("sense" if sound else "odd"), "succeeded"


# Many calls, in processes ----------------------------------------------------------------------


def serve(pipe: Connection, backend: str) -> None:
    """Answer calls until None comes; runs in a process of its own."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.environ |= {"NPCNN_BACKEND": backend, "NPCNN_DATA": folder, "HOME": folder}
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    sys.setrecursionlimit(1000)
    fixtures = Fixtures()
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + MEGABYTES * 2**20,) * 2)
    pipe.send(None)
    while (call := pipe.recv()) is not None:
        os.chdir(folder)
        start = time.process_time()
        outcome, text = attempt(fixtures, call)
        spent = time.process_time() - start
        pipe.send(("slow", f"{spent:.1f} s") if spent > SECONDS else (outcome, text))
    shutil.rmtree(folder, ignore_errors=True)


class Server:
    """A process that tries calls, replaced when it dies or hangs."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.begin()

    def begin(self) -> None:
        """Start the process."""
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(other, self.backend), daemon=True
        )
        self.process.start()
        other.close()
        self.call: Call | None = None
        self.since = time.monotonic()

    def end(self) -> None:
        """Kill the process and start another."""
        self.process.kill()
        self.process.join()
        self.begin()


def run(
    calls: list[Call], backend: str, processes: int, patience: float = PATIENCE
) -> Iterator[tuple[Call, str, str]]:
    """Yield each call with how it ended."""
    waiting = list(reversed(calls))
    servers = [Server(backend) for _ in range(min(processes, len(calls)))]
    left = len(calls)
    while left:
        ready = wait([server.pipe for server in servers], timeout=1.0)
        for server in servers:
            answer: Any = None
            if server.pipe in ready:
                try:
                    answer = server.pipe.recv()
                except (EOFError, OSError):
                    answer = ("crash", f"the process ended: {server.process.exitcode}")
            elif time.monotonic() - server.since > patience and server.call is not None:
                answer = ("slow", f"no end after {patience:.0f} s")
            else:
                continue
            if server.call is not None:
                yield server.call, *answer
                left -= 1
                if answer[0] in ("crash", "slow"):
                    server.end()
                    continue
            elif answer is not None:
                raise SystemExit("the calls' process does not start")
            server.call = waiting.pop() if waiting else None
            server.since = time.monotonic()
            if server.call is not None:
                server.pipe.send(server.call)
    for server in servers:
        server.process.kill()


def all_calls(only: str = "") -> list[Call]:
    """Return every call there is to try, or those of one function or class."""
    return [
        (target, argument, value)
        for target, arguments in find_calls().items()
        if not only or target == only or target.startswith(only + ".")
        for argument in arguments
        if argument != "where"  # the beginning of a message
        for value in VALUES
        if (argument, value) not in ENDLESS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="numpy", choices=("numpy", "numba"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--count", type=int, help="so many of the calls, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a function, class or method")
    parser.add_argument("--verbose", action="store_true", help="print the calls that end wrongly")
    options = parser.parse_args()
    calls = all_calls(options.only)
    if options.count:
        calls = random.Random(options.seed).sample(calls, min(options.count, len(calls)))
    ends: collections.Counter[str] = collections.Counter()
    wrong: collections.Counter[str] = collections.Counter()
    shown: dict[tuple[str, ...], list[str]] = {}
    for call, outcome, text in run(calls, options.backend, options.processes):
        ends[outcome] += 1
        if options.verbose and sum(ends.values()) % 1000 == 0:
            print(f"{sum(ends.values()):,} {dict(ends)}", file=sys.stderr, flush=True)
        if outcome not in RIGHT:
            wrong[call[0]] += 1
            text = "" if text == "succeeded" else text
            shown.setdefault((outcome, call[0], call[1], text), []).append(call[2])
    if options.verbose:
        for (outcome, target, argument, text), values in sorted(shown.items()):
            print(f"{outcome:<6}{target}({argument}): {', '.join(values)}  {text}")
    right = sum(ends[name] for name in RIGHT)
    print(f"{len(calls):,} calls, {right / len(calls):.2%} as they should be ({options.backend})")
    for outcome, number in ends.most_common():
        print(f"{outcome:>8} {number:6,}")
    if not options.only and not options.count:
        from common import save

        result = {
            "calls": len(calls), "arguments": len({call[:2] for call in calls}),
            "callables": len({call[0] for call in calls}), "values": len(VALUES),
            "ends": dict(ends), "right": right / len(calls), "wrong": dict(wrong),
        }  # fmt: skip
        save(f"absurd_calls_{options.backend}", result)


if __name__ == "__main__":
    main()
