"""Data-parallel training: what `fit(distribution=…)` takes."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

import npcnn
from npcnn import streams, threads
from npcnn.arguments import PositiveInt, checked
from npcnn.checks import ArgumentError, message, positive, shown
from npcnn.distribution.ranks import Ranks
from npcnn.distribution.sharded import Sharded

if TYPE_CHECKING:
    from npcnn.data import Batches
    from npcnn.feeding.sources import Stream
    from npcnn.model import Model
    from npcnn.running import Run

DIGEST = 16  # bytes
LARGE = 1 << 20  # bytes of gradients from which on some may go early
Form = Literal["bfloat16"]


def _communicator(value: Any, where: str) -> Any:
    if not all(hasattr(value, name) for name in ("Get_rank", "Get_size", "Isend", "Irecv")):
        fix = "give mpi4py.MPI.COMM_WORLD, or leave it out"
        raise ArgumentError(message(where, "a communicator of mpi4py", shown(value), fix))
    return value


Seconds = Annotated[float, partial(positive, fix="give seconds, such as 25")]


class DataParallel:
    """Train one model in all the processes that mpiexec started, each on its part of a batch.

    A batch is cut into `shards`, whole ones are a rank's, and their gradients are added up in one
    fixed order: g = Σₛ (nₛ / n) · gₛ. So a run has the same bits on any number of ranks, one
    process without MPI among them. `BatchNormalization` takes its statistics from a shard, and its
    running ones are the mean of the shards'; with synchronized=True they are the whole batch's.
    Dropout and random layers draw by (seed, step, place in the batch), an augmenter by (seed,
    epoch, sample).

    Every rank runs the same program. Ranks other than 0 print nothing, and their callbacks write
    no files; all end with the same weights and history.

    Args:
        shards: of a batch, and the most ranks that there can be; a checkpoint goes on with as many.
        comm: a communicator of mpi4py; None for all ranks, or one without MPI.
        timeout: seconds that a rank waits for another one before it ends the run; what callbacks
            do in one rank must take less.
        gradients: None, or 'bfloat16' to round gradients to 8 bits of precision whenever two were
            added up, and to send them so, in half the bytes.
        overlap: whether the last layers' gradients are summed up while a rank's last shard still
            finds the others'; None where the ranks are on several machines and gradients have a
            megabyte. The bits are the same.

    Raises:
        StateError: under mpiexec without mpi4py, or of another MPI than mpi4py's.
        ArgumentError: there are more ranks than shards.

    Source: Dean et al., "Large Scale Distributed Deep Networks", NIPS 2012.

    >>> strategy = DataParallel(shards=4)
    >>> strategy.rank, strategy.size
    (0, 1)
    """

    @checked
    def __init__(
        self, shards: PositiveInt = 8, comm: Annotated[Any, _communicator] | None = None,
        timeout: Seconds = 25.0, gradients: Form | None = None,
        overlap: bool | None = None,
    ) -> None:  # fmt: skip
        self.ranks, self.shards, self.gradients = Ranks(comm, timeout), shards, gradients
        self.rank, self.size = self.ranks.rank, self.ranks.size
        if self.size > shards:
            fix = f"give shards={self.size}, or start fewer"
            got = f"{self.size} ranks for {shards} shards"
            raise ArgumentError(message("DataParallel(shards)", "a shard a rank", got, fix))
        streams.quiet = self.rank > 0
        neighbours = self.ranks.neighbours()
        threads.share_out(neighbours)
        apart = neighbours < self.size  # the same in all ranks
        wanted = self.ranks.manifold() and (apart if overlap is None else overlap)
        self._early = (LARGE if overlap is None else 0) if wanted else None

    def train_on(self, model: Model, data: Batches | Stream) -> Sharded:
        """Return what takes a training step, as `training.train_on` does."""
        for loss in model.objective.losses:
            if loss.reduction not in ("sum_over_batch_size", "mean"):
                expected = "losses that are means over a batch"
                fix = "leave reduction out"
                got = f"{loss.name} with reduction={loss.reduction!r}"
                raise ArgumentError(message("fit(distribution)", expected, got, fix))
        return Sharded(model, data, self.ranks, self.shards, "train", self.gradients, self._early)

    def score_on(self, model: Model, data: Batches | Stream) -> Sharded:
        """Return what evaluates a batch, as `training.score_on` does."""
        return Sharded(model, data, self.ranks, self.shards, "score")

    def infer_on(self, model: Model, data: Batches | Stream) -> Sharded:
        """Return what gives a batch's outputs, as `training.infer_on` does."""
        return Sharded(model, data, self.ranks, self.shards, "infer")

    def join(self, run: Run) -> None:
        """Let a run be all ranks': see that they are about to do the same, and who writes files."""
        if run.validation is not None:
            run.scorer = self.score_on(run.model, run.validation.source)
        if self.size == 1:
            return
        self._agree(run)
        if self.rank:
            run.called = [callback for callback in run.callbacks if not callback.writes]
            for callback in run.callbacks:
                if callback.writes:
                    callback.restore(run)

    def _agree(self, run: Run) -> None:
        """End all ranks, with a line that says what differs in which, unless they are alike."""
        from npcnn.saving import checkpoint

        model, about = run.model, checkpoint.describe(run)
        own = checkpoint.describe_model(model)
        arrays = [*model.vectors(), *model.optimizer.slots.values()]
        found = {
            "npcnn's version": npcnn.__version__,
            "backend and network": own,
            "data and settings": {k: v for k, v in about.items() if k not in own},
            "overlap": self._early,
            "epochs": [run.data.start, run.epochs, run.resumed is None],
            "seed": run.seed,
            "weights": [hashlib.blake2b(array.tobytes()).hexdigest() for array in arrays],
        }
        digests = [_digest(value) for value in found.values()]
        sent = np.frombuffer(b"".join(digests), np.uint8)
        received = [np.empty_like(sent) for _ in range(self.size)]
        self.ranks.exchange([sent] * self.size, received, patience=10)
        received[self.rank] = sent
        for place, name in enumerate(found):
            part = slice(place * DIGEST, (place + 1) * DIGEST)
            others = [r for r in range(self.size) if (received[r] != received[0])[part].any()]
            if others:
                got = f"other ones in rank {', '.join(map(str, others))}"
                fix = "set_random_seed(…) first, and do the same in all"
                if self.rank == 0:
                    text = message("fit(distribution)", f"the same {name} in all ranks", got, fix)
                    self.ranks.end(text)
                self.ranks.exchange([sent] * self.size, received)  # which rank 0 ends


def _digest(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST).digest()
