"""The ops compiled by Numba: the same functions as in `npcnn.reference`, fast."""
