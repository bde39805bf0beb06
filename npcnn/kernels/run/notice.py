"""Says that kernels are being compiled, which is what a first start waits for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from npcnn.garbage import no_collection
from npcnn.streams import is_terminal, say

LINE = "npcnn: compiling kernels for this machine; the next start finds them done."
# Seconds after which a terminal is shown how far it is.
SOON = 1.0


class _Notice:
    said = False
    bar: Any = None
    seconds = 0.0  # spent compiling

    def shown(self) -> Any:
        """Return the bar, drawn, if somebody sees it and has waited for it; else None."""
        if self.seconds < SOON or not is_terminal(sys.stderr):
            return None
        if self.bar is None:
            from tqdm import tqdm

            form = "{n_fmt} kernels compiled, {elapsed}"
            self.bar = tqdm(file=sys.stderr, leave=False, bar_format=form)
        self.bar.refresh()
        return self.bar


notice = _Notice()


@contextmanager
def compiling() -> Iterator[None]:
    """Say so around the compilation of a kernel: a line the first time, later on also a count.

    Garbage is collected afterwards: Numba makes much that is not, and each look at all there is
    takes a tenth of the time.
    """
    if not notice.said:
        notice.said = True
        say(LINE, "stderr")
    bar, start = notice.shown(), time.monotonic()
    try:
        with no_collection():
            yield
    finally:
        notice.seconds += time.monotonic() - start
        if bar is not None:
            bar.update()
            bar.clear()
