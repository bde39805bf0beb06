import pytest
from figures import assert_nothing_cut, ink, pixels, texts, title

from npcnn import Sequential, layers
from npcnn.checks import ArgumentError, StateError
from npcnn.plots import network_diagram
from npcnn.plots.network import describe, list_blocks


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


def test_a_long_name_is_cut_to_its_place():
    class AnUncommonlyLongLayerName(layers.Flatten):
        pass

    figure = network_diagram(Sequential([AnUncommonlyLongLayerName(input_shape=(2, 2, 1))]))
    assert "AnUncommonlyLo…" in texts(figure)
    assert_nothing_cut(figure)


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ({}, []),
        ({"activation": "linear"}, []),
        ({"rate": 0.25}, ["drops 25%"]),
        ({"pool_size": (3, 2), "strides": (3, 2), "padding": "valid"}, ["windows 3 × 2"]),
        ({"units": 3, "activation": "tanh"}, ["tanh"]),
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
