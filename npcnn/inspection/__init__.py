"""Looking inside: a training step held still, in slow motion, recorded, and guarded.

Nothing here computes what training computes a second way: the trace, the steps and the guards all
call `npcnn.training` and look on.
"""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.inspection.answers import AnswerRecord, ByClass, Calibration, by_class, calibration
from npcnn.inspection.diagnostics import Diagnostics
from npcnn.inspection.overfit import OverfitReport, overfit_one_batch
from npcnn.inspection.rate_range import RateRange, learning_rate_range
from npcnn.inspection.recorder import Recorder
from npcnn.inspection.recording import Recording, load_recording
from npcnn.inspection.responses import loss_along_line, most_exciting, occlusion_map
from npcnn.inspection.steps import Event, step_through
from npcnn.inspection.tracing import LayerTrace, Trace, trace

__all__ = [
    "AnswerRecord", "ByClass", "Calibration", "Diagnostics", "Event", "LayerTrace", "OverfitReport",
    "RateRange", "Recorder", "Recording", "Trace", "by_class", "calibration", "learning_rate_range",
    "load_recording", "loss_along_line", "most_exciting", "occlusion_map", "overfit_one_batch",
    "step_through", "trace",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
