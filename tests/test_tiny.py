"""Seconds: does anything work at all? Build, train, evaluate, predict."""

import numpy as np

import npcnn as keras
from npcnn import layers


def test_it_works():
    x, labels = keras.datasets.draw_digits(200, seed=0)
    x, y = x.reshape(-1, 28, 28, 1) / 255, keras.utils.to_categorical(labels, 10)
    model = keras.Sequential(
        [
            layers.Conv2D(4, 3, strides=2, activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, 20, 8, verbose=0, validation_split=0.1)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert np.isfinite(loss)
    assert accuracy > 0.5
    predictions = model.predict(x, verbose=0)
    assert predictions.shape == (200, 10)
    assert (predictions.argmax(axis=1) == labels).mean() == np.float64(accuracy)
