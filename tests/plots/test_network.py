import numpy as np
import pytest
from figures import assert_nothing_cut, ink, pixels, texts, title

from npcnn import Model, Sequential, layers
from npcnn.checks import ArgumentError, StateError
from npcnn.figures import style
from npcnn.plots import network_diagram
from npcnn.plots.network import list_blocks
from npcnn.tables import describe


def document_model():
    return Sequential(
        [
            layers.Conv2D(5, 3, activation="relu", padding="same", input_shape=(28, 28, 1)),
            layers.Conv2D(5, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(10, 3, activation="relu", padding="same"),
            layers.Conv2D(10, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def test_the_documents_network_has_all_its_numbers():
    figure = network_diagram(document_model())
    assert title(figure) == "10 layers, 65,788 parameters"
    shown = texts(figure)
    counts = ["50", "230", "460", "910", "62,848", "1,290"]
    learned = [text.removesuffix(" parameters") for text in shown if text.endswith(" parameters")]
    assert sorted(learned) == sorted([*counts, "10 layers, 65,788"])
    for text in ("28 × 28 × 1", "28 × 28 × 5", "14 × 14 × 5", "14 × 14 × 10", "7 × 7 × 10", "490"):
        assert text in shown
    assert shown.count("Conv2D") == 4
    assert shown.count("5 filters 3 × 3") == shown.count("10 filters 3 × 3") == 2
    assert shown.count("windows 2 × 2") == 2
    assert "drops 50%" in shown
    assert "softmax" in shown


def test_the_documents_network_is_legible_at_its_size():
    figure = network_diagram(document_model())
    rows, columns, _ = pixels(figure).shape
    assert 1000 <= columns <= 1200
    assert rows < 700
    assert 0.02 < ink(figure) < 0.5
    assert min(text.get_fontsize() for text in figure.axes[0].texts) >= 11
    assert_nothing_cut(figure)


def test_blocks_follow_the_model():
    blocks = list_blocks(document_model())
    assert [block.kind for block in blocks[:4]] == ["Input", "Conv2D", "Conv2D", "MaxPooling2D"]
    assert [block.shape for block in blocks[-3:]] == [(128,), (128,), (10,)]
    assert [block.parameters for block in blocks[:3]] == [None, 50, 230]
    assert [block.window for block in blocks[2:5]] == [(3, 3), (2, 2), (3, 3)]


def test_any_depth_and_size_can_be_drawn():
    deep = [layers.Conv2D(64, (5, 1), strides=2, padding="same", input_shape=(100, 30, 3))]
    deep += [layers.Conv2D(8, 3, dilation_rate=2, padding="same") for _ in range(15)]
    deep += [layers.ReLU(), layers.Flatten(), layers.Dense(1)]
    figure = network_diagram(Sequential(deep), title="Deep")
    assert title(figure) == "Deep"
    assert texts(figure).count("Conv2D") == 16
    assert "step 2 × 2, same" in texts(figure)
    assert "spread 2 × 2, same" in texts(figure)
    assert_nothing_cut(figure)


class AnUncommonlyLongLayerName(layers.Layer):
    """An own layer with arguments of its own, one of them an array."""

    def __init__(self, ratio=4, table=None, **kwargs):
        super().__init__(**kwargs)
        self.ratio, self.table = ratio, np.zeros(3) if table is None else table

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio, "table": self.table}


class Scale(layers.Layer):
    parameter_names = ("scale",)

    def create_parameters(self, input_shape):
        self.add_parameter("scale", input_shape[-1:], lambda shape, dtype: np.ones(shape, dtype))


def test_own_layers_have_their_whole_name_a_colour_and_their_arguments():
    own = [AnUncommonlyLongLayerName(8, input_shape=(8, 8, 4)), Scale(), layers.Flatten()]
    model = Sequential(own)
    figure = network_diagram(model)
    shown = texts(figure)
    assert {"AnUncommonly", "LongLayerName", "Scale", "ratio 8"} <= set(shown)
    assert not any("…" in text for text in shown)
    assert [block.colour for block in list_blocks(model)] == [
        style.PAPER, style.PURPLE, style.GREEN, style.YELLOW
    ]  # fmt: skip
    assert_nothing_cut(figure)


def test_a_model_with_branches_is_a_chart():
    x = layers.Input((8, 8, 3))
    y = layers.Add()([layers.Conv2D(3, 3, padding="same")(x), x])
    figure = network_diagram(Model(x, layers.Dense(2)(layers.Flatten()(y))))
    assert title(figure) == "4 layers, 470 parameters"
    wanted = ["Input", "8 × 8 × 3", "Conv2D", "3 filters 3 × 3, same", "8 × 8 × 3",
              "84 parameters", "Add", "8 × 8 × 3", "Flatten", "192", "Dense", "2",
              "386 parameters"]  # fmt: skip
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text()] == wanted
    assert_nothing_cut(figure)


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ({}, []),
        ({"activation": "linear"}, []),
        ({"rate": 0.25}, ["drops 25%"]),
        ({"pool_size": (3, 2), "strides": (3, 2), "padding": "valid"}, ["windows 3 × 2"]),
        ({"units": 3, "activation": "tanh"}, ["tanh"]),
        ({"factor": 0.25, "mode": "up"}, ["factor 0.25", "mode up"]),
        ({"a_rather_long_argument": 1}, ["a_rather_long_argume…"]),
    ],
)
def test_describe_leaves_defaults_out(config, lines):
    assert describe(config) == lines


def test_an_unbuilt_model_is_an_error():
    with pytest.raises(StateError, match="expected a built model, got one without shapes"):
        network_diagram(Sequential([layers.Dense(3)]))


def test_a_shape_that_has_no_picture_is_an_error():
    model = Sequential([layers.Dense(3, input_shape=(5, 4))])
    with pytest.raises(ArgumentError, match=r"^network_diagram\(model\): expected vectors"):
        network_diagram(model)
