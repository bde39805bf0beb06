"""A process that was forked in the midst of learning learns on, to the same bits."""

import os

import pytest

SOURCE = """
import os, warnings
import numpy as np
import npcnn
from npcnn import layers

npcnn.set_num_threads(2)
npcnn.set_random_seed(3)
x = layers.Input((8, 8, 2))
same = layers.Conv2D(4, 3, padding="same", activation="relu")
start = layers.Input((8, 8, 4))
within = npcnn.Model(start, layers.Add()([layers.BatchNormalization()(start), start]))
y = layers.Dropout(0.3)(layers.Concatenate()([within(within(same(x))), same(x)]))
flat = layers.GlobalAveragePooling2D()(y)
model = npcnn.Model(x, [layers.Dense(3, "softmax")(flat), layers.Dense(1)(flat)])
model.compile("adam", ["sparse_categorical_crossentropy", "mse"])
rng = np.random.default_rng(0)
data = rng.normal(size=(24, 8, 8, 2)), [rng.integers(0, 3, 24), rng.normal(size=(24, 1))]
model.fit(*data, batch_size=8, epochs=2, verbose=0)  # played from notes by now

class Forks(npcnn.callbacks.Callback):
    child = None

    def on_train_batch_end(self, batch, logs=None):
        if self.child is None and batch == 1:
            self.child = os.fork()

warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
forks = Forks()
model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[forks])
weights = b"".join(array.tobytes() for array in model.get_weights())
if forks.child == 0:
    with open(sys.argv[1], "wb") as file:
        file.write(weights)
    os._exit(0)
assert os.waitpid(forks.child, 0)[1] == 0
with open(sys.argv[1], "rb") as file:
    print(file.read() == weights, model.program.last is None or model.program.last.played)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_both_halves_of_a_fork_learn_on(run_python, tmp_path, jit):
    source = SOURCE.replace("sys.argv[1]", repr(str(tmp_path / "weights")))
    assert run_python(source, NPCNN_BACKEND="numba").split() == ["True", "True"]
