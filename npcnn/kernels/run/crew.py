"""The threads that do an op's tasks: how they share them out, and how they wait for each other.

The thread that calls an op leads; the others, its crew, are started when first needed. For each
op the leader deals the tasks out in equal ranges, so that a thread gets the same rows of every op
and finds them in its core's cache. Each thread takes its own tasks from the front, by a
compare-and-swap on one word that holds the range; who has none left, and has waited a little, takes
others' from the back. The leader goes on when all tasks are done, whoever did them. A thread whose
core another program holds is thus not waited for, except for the one task it may be in the middle
of. Nor is much taken from a thread that is at work: its rows are in its own core's cache. Where two
cores share no cache (a hypervisor may move them there for a while), an epoch of the document's
network took about 2.3 s when tasks were taken after 5 µs, and about 2.0 s after 50. OpenMP's
threads meet at the end of every op: beside a program that holds one of two cores,
15,000 images took 1.7 s with them, and 30,000 took 1.2 to 1.4 s with the crew.

    leader:   deal op 1 │ own tasks │ deal op 2 │ own tasks, then one of the other's │ …
    crew:               │ own tasks │           │ (not on its core) │ own tasks      │ …

Results do not depend on who does a task: tasks write to places of their own, and what is summed
over tasks is summed in their order. Who waits looks for work as long as somebody leads, giving way
to other programs, and 4,000 times after that (`IDLE`); then it sleeps until the next call. (One
that slept after a thousand looks in the midst of a call was not there for what was left of it:
where tasks take a millisecond, networks learnt on little more than one core.) Where the leader
found a thread away from its core, though, waiting is waste: beside two programs that hold both
cores, 6,000 images took 0.75 s when nobody slept then, and 0.54 when they did. Everything shared is
in one array of 64-bit words, read and written atomically; whatever must not be torn apart by Ctrl-C
or a signal handler is done in compiled code, where neither can come between.
"""

from __future__ import annotations

import functools
import os
import threading
from queue import SimpleQueue
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from npcnn.kernels.run import memory
from npcnn.kernels.run.atomics import add, give_way, load, pause, store, swap, word_at
from npcnn.kernels.run.compile import JIT, ZERO, helper, kernel
from npcnn.kernels.tiles import simd
from npcnn.threads import MOST, get_num_threads

Array = np.ndarray

# A call's entry: all addresses, but for how many tasks there are and whether to share them out. A
# thread's scratch memory begins PITCH bytes after the one before.
BODY, TASKS, PARALLEL, ARRAYS = range(4)
SCRATCH, PITCH, INTS, WIDTH = 10, 11, 12, 13

# The shared words, each in a cache line of its own (LINE words): the entry being done, how many of
# its tasks are done, whether somebody leads, whether the crew is dismissed, whether a thread took
# none of its own tasks in the last deal; then for each thread its range of tasks (below 2³¹), and
# whether it sleeps.
LINE = 8
ENTRY, DONE, LED, GONE, AWAY, RANGES = (LINE * place for place in range(6))
SLEEPS = RANGES + MOST * LINE
WORDS = SLEEPS + MOST * LINE

# How often to look before taking others' tasks, also if the last deal found one of them away from
# its core; before letting other programs have the core; and, when nobody leads, before going to
# sleep. A look takes some 20 to 50 ns on x86, where it includes a pause.
PATIENCE, IMPATIENCE = np.int64(1_500), np.int64(100)
POLITE, IDLE = np.int64(2_000), np.int64(4_000)


@intrinsic
def _run(typing: Any, entry: Any, task: Any, thread: Any) -> Any:
    """Run one task of the entry at an address, with that thread's scratch memory."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        entry = builder.inttoptr(args[0], simd.INT.as_pointer())

        def column(number: int) -> Any:
            return builder.load(simd.at(builder, entry, simd.INT(number)))

        scratch = builder.add(column(SCRATCH), builder.mul(column(PITCH), args[2]))
        places = [column(INTS), scratch, *map(column, range(ARRAYS, SCRATCH))]
        pointers = [builder.inttoptr(place, ir.IntType(8).as_pointer()) for place in places]
        simd.call(builder, column(BODY), [args[1], *pointers])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@helper
def _take(words, owner, from_back):
    """Take a task of the owner's range, the first or the last; return it, or −1 for none.

    If the leader deals anew between the look and the swap, the swap fails, or it takes a task of
    the new deal, which is as good: what the task is of is asked only afterwards, and until the task
    is done there is no further deal.
    """
    place = RANGES + owner * LINE
    while True:
        both = load(words, place)
        first, last = both >> 32, both & 0xFFFFFFFF
        if first >= last:
            return -1
        new = both - 1 if from_back else both + (1 << 32)
        if swap(words, place, both, new):
            return last - 1 if from_back else first


@helper
def _take_from_others(words, thread, threads):
    for step in range(1, threads):
        task = _take(words, (thread + step) % threads, True)
        if task >= 0:
            return task
    return -1


@helper
def _look(words, thread, threads, looks, patience):
    """Do a task if there is one; return how often there was none since."""
    task = _take(words, thread, False)
    if task < 0 and looks > patience:
        task = _take_from_others(words, thread, threads)
    if task >= 0:
        _run(load(words, ENTRY), task, thread)
        add(words, DONE, 1)
        return 0
    pause()
    if looks > POLITE:
        give_way()
    return looks + 1


@helper
def _share(words, entry, tasks, threads, patience):
    """Deal out an entry's tasks, return when all are done: how patient to be with the next entry.

    A thread that took none of its own tasks is away.
    """
    store(words, ENTRY, entry)
    store(words, DONE, 0)
    for thread in range(threads):
        first, last = tasks * thread // threads, tasks * (thread + 1) // threads
        store(words, RANGES + thread * LINE, (first << 32) | last)
    looks = ZERO
    while load(words, DONE) < tasks:
        looks = _look(words, ZERO, threads, looks, patience)
    for thread in range(1, threads):
        first, last = tasks * thread // threads, tasks * (thread + 1) // threads
        if first < last and load(words, RANGES + thread * LINE) >> 32 == first:
            store(words, AWAY, 1)
            return IMPATIENCE
    store(words, AWAY, 0)
    return PATIENCE


def _lead(words, table, entries, threads):
    """Make all calls of a table of entries, one after the other, each shared out among the threads.

    Where there is one thread, or the crew is led by another call, its tasks are done here.
    """
    leads, patience = threads > 1 and swap(words, LED, 0, 1), PATIENCE
    for number in range(entries):
        entry = table + number * WIDTH * 8
        tasks = word_at(entry + TASKS * 8)
        if leads and word_at(entry + PARALLEL * 8) != 0:
            patience = _share(words, entry, tasks, threads, patience)
            continue
        for task in range(tasks):
            _run(entry, task, ZERO)
    if leads:
        store(words, LED, 0)


def _follow(words, thread, threads):
    """Do tasks of whatever is led, until nobody leads and there have been none for a while."""
    store(words, SLEEPS + thread * LINE, 0)
    looks = ZERO
    while load(words, GONE) == 0 and (
        looks < IDLE or (load(words, LED) != 0 and load(words, AWAY) == 0)
    ):
        looks = _look(words, thread, threads, looks, PATIENCE)
    store(words, SLEEPS + thread * LINE, 1)


if JIT:
    _lead, _follow = kernel(_lead), kernel(_follow)


class _Crew:
    """The threads beside the leader, and the words they share."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.words = memory.aligned([WORDS], np.dtype(np.int64))
        self.words[:] = 0
        self.wakers: list[SimpleQueue[None]] = []  # in C throughout: Ctrl-C leaves no lock behind
        for thread in range(1, threads):
            waker: SimpleQueue[None] = SimpleQueue()
            self.words[SLEEPS + thread * LINE] = 1
            live = functools.partial(self._live, thread, waker)
            try:
                threading.Thread(target=live, name=f"npcnn-{thread}", daemon=True).start()
            except RuntimeError:  # no more threads to be had: their tasks are done by the others
                break
            self.wakers.append(waker)

    def _live(self, thread: int, waker: SimpleQueue[None]) -> None:
        while not self.words[GONE]:
            waker.get()
            _follow(self.words, thread, self.threads)

    def wake(self) -> None:
        """Wake the threads that sleep."""
        for thread, waker in enumerate(self.wakers, 1):
            if self.words[SLEEPS + thread * LINE]:
                waker.put(None)

    def dismiss(self) -> None:
        """Let the threads end."""
        self.words[GONE] = 1
        for waker in self.wakers:
            waker.put(None)


_crew: _Crew | None = None
_changes = threading.RLock()  # a signal handler may call ops in the midst of a change
_alone = np.zeros(WORDS, np.int64)


def _present(threads: int) -> _Crew:
    """Return the crew, a new one if the number of threads has changed."""
    global _crew
    with _changes:
        if _crew is None or _crew.threads != threads:
            before, _crew = _crew, _Crew(threads)
            if before is not None:
                before.dismiss()
        return _crew


def lead(table: int, entries: int, most: int) -> None:
    """Make the calls of so many entries that lie at an address.

    All threads share in them, if there is scratch memory for `most` as many at least. A second
    Python thread that calls ops at the same time, or a signal handler, does its tasks alone.
    """
    threads = get_num_threads()
    if not 1 < threads <= most:
        _lead(_alone, table, entries, 1)
        return
    crew = _crew
    if crew is None or crew.threads != threads:
        crew = _present(threads)
    crew.wake()
    _lead(crew.words, table, entries, threads)


def _forget() -> None:
    """Begin anew in a forked process, where the crew's threads do not exist."""
    global _crew, _changes
    _crew, _changes = None, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
