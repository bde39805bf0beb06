"""Work on many files, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from npcnn.pools import pool

CHUNK = 64  # pictures a thread takes at a time
THREADS = 8  # not the number of processors: most of them wait for the disk

Work = Callable[[range], dict[int, str]]


def in_chunks(work: Work, n: int, workers: int | None, where: str) -> dict[int, str]:
    """Call ``work`` on chunks of range(n), several at a time, and merge what it returns.

    Never more than two chunks a thread are under way, so that an error or Ctrl-C ends it at once.
    """
    from tqdm import tqdm

    threads = min(workers or THREADS, 1 + n // CHUNK)
    chunks = iter([range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)])
    merged: dict[int, str] = {}
    under_way: dict[Future[dict[int, str]], int] = {}
    readers = pool(threads)
    try:
        with tqdm(total=n, desc=where, unit="", disable=None) as bar:
            while True:
                for chunk in chunks:
                    under_way[readers.submit(work, chunk)] = len(chunk)
                    if len(under_way) >= 2 * threads:
                        break
                if not under_way:
                    return merged
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    bar.update(under_way.pop(future))
                    merged.update(future.result())
    finally:
        readers.shutdown(cancel_futures=True)
