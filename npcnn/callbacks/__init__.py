"""Hooks into a run, under Keras's names: what is called around every epoch and step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.callbacks.backup import BackupAndRestore
from npcnn.callbacks.base import Callback, CallbackList
from npcnn.callbacks.base import Logs as Logs
from npcnn.callbacks.base import check_callbacks as check_callbacks
from npcnn.callbacks.csv_logger import CSVLogger
from npcnn.callbacks.early_stopping import EarlyStopping
from npcnn.callbacks.history import History
from npcnn.callbacks.lambda_callback import LambdaCallback
from npcnn.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from npcnn.callbacks.model_checkpoint import ModelCheckpoint
from npcnn.callbacks.progbar_logger import ProgbarLogger
from npcnn.callbacks.swap_ema_weights import SwapEMAWeights
from npcnn.callbacks.tensorboard import TensorBoard
from npcnn.callbacks.terminate_on_nan import TerminateOnNaN

if TYPE_CHECKING:
    from npcnn.inspection import Diagnostics, Recorder

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "Diagnostics", "EarlyStopping",
    "History", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ProgbarLogger",
    "Recorder", "ReduceLROnPlateau", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip

if not TYPE_CHECKING:
    # What looks inside a run is imported when it is first asked for.
    _LATE = dict.fromkeys(("Diagnostics", "Recorder"), "npcnn.inspection")
    __getattr__ = names.lookup(__name__, __all__, _LATE)
