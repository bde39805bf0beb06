"""Where the batches of a pass come from: arrays, a `PyDataset`, a generator, anything iterable.

`opened` is the one door through which `fit`, `evaluate` and `predict` ask for them.
"""

from npcnn.feeding.door import Data, Targets, opened
from npcnn.feeding.feed import Feed
from npcnn.feeding.py_dataset import PyDataset
from npcnn.feeding.sources import is_stream

__all__ = ["Data", "Feed", "PyDataset", "Targets", "is_stream", "opened"]
