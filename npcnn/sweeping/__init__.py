"""Many runs of one network: each setting times each seed, in processes, kept as they end."""

from npcnn.sweeping.runs import sweep
from npcnn.sweeping.table import Sweep

__all__ = ["Sweep", "sweep"]
