"""How pictures look, and the curves of a run, which a notebook shows, too: `npcnn.plots` draws."""
