import numpy as np
from models import document_model, small_model

from npcnn import Sequential, layers

DOCUMENT = """\
Layer (type)|Output Shape|Param #
conv2d (Conv2D)|(None, 28, 28, 5)|50
conv2d_1 (Conv2D)|(None, 28, 28, 5)|230
max_pooling2d (MaxPooling2D)|(None, 14, 14, 5)|0
conv2d_2 (Conv2D)|(None, 14, 14, 10)|460
conv2d_3 (Conv2D)|(None, 14, 14, 10)|910
max_pooling2d_1 (MaxPooling2D)|(None, 7, 7, 10)|0
flatten (Flatten)|(None, 490)|0
dense (Dense)|(None, 128)|62848
dense_1 (Dense)|(None, 10)|1290
Total params: 65,788
Trainable params: 65,788
Non-trainable params: 0"""


def cells(text):
    """Return the table's rows, cells parted by |, rules and title left out."""
    rows = [line.strip() for line in text.splitlines() if line.strip("_= ")]
    return ["|".join(part.strip() for part in row.split("  ") if part) for row in rows]


def test_the_documents_table(capsys):
    document_model().summary()
    rows = cells(capsys.readouterr().out)
    assert rows[0] == 'Model: "sequential"'
    assert rows[1:] == DOCUMENT.splitlines()


def test_print_fn():
    lines = []
    document_model().summary(print_fn=lines.append)
    assert lines[-2] == "Non-trainable params: 0"
    assert max(map(len, lines)) == 65


def test_frozen_parameters_and_long_names():
    model = Sequential([layers.Input((1000, 1000, 3))])
    model.add(layers.Dense(1000, name="a_name_that_is_much_too_long_for_its_column"))
    model.add(layers.Dense(2))
    model.layers[0].trainable = False
    lines = []
    model.summary(print_fn=lines.append)
    long = next(line for line in lines if "a_name" in line)
    assert "a_name_that_is_much_too_long_for_its_column (Dense) (None, 1000, 1000, 1000)" in long
    assert long.endswith(" 4000")
    assert "Trainable params: 2,002" in lines
    assert "Non-trainable params: 4,000" in lines


def test_an_unbuilt_model(capsys):
    """As Keras prints it; a part of it may be built, or none be there."""
    model = Sequential([layers.Conv2D(3, 3), layers.Flatten()])
    model.summary()
    assert cells(capsys.readouterr().out)[2:] == [
        "conv2d (Conv2D)|?|0 (unbuilt)", "flatten (Flatten)|?|0 (unbuilt)",
        "Total params: 0", "Trainable params: 0", "Non-trainable params: 0",
    ]  # fmt: skip
    model(np.ones((1, 5, 5, 1)))
    model.summary()
    assert "conv2d (Conv2D)|(None, 3, 3, 3)|30" in cells(capsys.readouterr().out)
    Sequential(name="bare").summary()
    rows = cells(capsys.readouterr().out)
    assert (rows[0], rows[2]) == ('Model: "bare"', "Total params: 0")


def test_small(capsys):
    small_model().summary()
    assert "Total params: 161" in capsys.readouterr().out
