"""Going on by itself where a run was killed."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from npcnn.arguments import Path, SaveFreq, checked
from npcnn.callbacks.base import Logs
from npcnn.callbacks.model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from npcnn.running import Run


class BackupAndRestore(ModelCheckpoint):
    """Keep a backup while a run goes on; the same call of `fit` again goes on from it.

    The backup is what `ModelCheckpoint` writes, so that the run ends with the bits of one that was
    never killed, in the middle of an epoch as well. `fit(resume_from=…)` has precedence.

    Args:
        backup_dir: the folder it is kept in, as `latest.keras`; made if it is not there.
        save_freq: 'epoch', or how many steps from one backup to the next.
        double_checkpoint: taken for Keras's sake; a backup is replaced by a whole one or not at
            all, so that no second one is needed.
        delete_checkpoint: whether the backup goes when the run has come to its end.

    Raises:
        ArgumentError: the backup is one of another model, data set or setting.
        FileError: it cannot be written.

    >>> BackupAndRestore("backup").filepath
    'backup/latest.keras'
    """

    @checked
    def __init__(
        self, backup_dir: Path, save_freq: SaveFreq = "epoch", double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:  # fmt: skip
        self.backup_dir, self.delete_checkpoint = backup_dir, delete_checkpoint
        # Braces in a folder's name are part of the name.
        folder = backup_dir.replace("{", "{{").replace("}", "}}")
        super().__init__(f"{folder}/latest.keras", save_freq=save_freq or "epoch")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Go on from the backup, if there is one."""
        super().on_train_begin(logs)
        if self.model.run is not None:
            self.restore(self.model.run)

    def restore(self, run: Run) -> None:
        """Let a run that has not begun go on from the backup, if there is one."""
        path = self.filepath.format()
        if run.resumed is None and os.path.exists(path):
            run.resume(path)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the backup, and the folder if nothing else is in it."""
        if self.delete_checkpoint:
            with contextlib.suppress(OSError):
                os.remove(self.filepath.format())
                os.rmdir(self.backup_dir)
