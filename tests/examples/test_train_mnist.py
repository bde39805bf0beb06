import os

import numpy as np
import pytest
from figures import title
from PIL import Image
from runs import EXAMPLES, finish, prepared

import npcnn
from npcnn import plots
from npcnn.datasets import draw_digits, fetch, load_mnist, mnist

PICTURES = ["accuracy.png", "confusion.png", "loss.png", "mistakes.png", "network.png"]
PICTURES += ["samples.png"]


@pytest.fixture
def train(example, small_mnist, tmp_path, capsys):
    """Return a function that runs the example on small data: exit code, output, error, folder."""

    def run(*arguments, data=small_mnist):
        given = [] if data is None else ["--data", str(data)]
        code = example("train_mnist").main(["--out", str(tmp_path / "o"), *given, *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err, tmp_path / "o"

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_leaves_pictures_model_and_table(train, small_mnist):
    code, out, err, folder = train("--epochs", "2")
    assert (code, err) == (0, "")
    assert names(folder) == sorted([*PICTURES, "model.h5"])
    for name in PICTURES:
        with Image.open(folder / name) as image:
            assert 1000 <= image.width <= 1200
            assert np.asarray(image.convert("L")).std() > 10
    lines = out.splitlines()
    assert "Total params: 65,788" in lines
    assert "Epoch 2/2" in lines
    assert lines[-1].startswith(f"Everything lies in {folder}: samples.png, network.png, model.h5")


def test_the_table_holds_the_document_beside_the_run(train, small_mnist):
    lines = train("--epochs", "2")[1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.split() == ["document", "this", "run"])
    rows = {}
    for line in lines[start + 2 : start + 13]:
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        rows[cells[0]] = cells[1:]
    assert rows["data"] == ["MNIST", f"the data in {small_mnist.name}"]
    assert rows["images to train on, to test with"] == ["60,000, 10,000", "120, 40"]
    assert rows["parameters"] == ["65,788", "65,788"]
    assert rows["epochs"] == ["25", "2"]
    assert rows["training loss"][0] == "0.0307"
    assert rows["training accuracy"][0] == "0.9903"
    assert rows["test loss"][0] == "0.0460"
    assert rows["test accuracy"][0] == "0.9885"
    assert rows["best test accuracy"][0] == "0.9900 (epoch 17)"
    assert rows["test images wrong at the end"][0] == "115"
    assert rows["seconds an epoch (median)"][0] == "16"
    wrong = int(rows["test images wrong at the end"][1])
    assert rows["test accuracy"][1] == f"{1 - wrong / 40:.4f}"


def test_the_saved_model_gives_the_same_answers(train, small_mnist):
    _, out, _, folder = train("--epochs", "1")
    x_test, y_test = load_mnist(small_mnist)[1]
    model = npcnn.models.load_model(folder / "model.h5")
    answers = model.predict(x_test[..., np.newaxis], verbose=0).argmax(axis=1)
    wrong = next(line for line in out.splitlines() if line.startswith("test images wrong"))
    assert int(wrong.split()[-1]) == (answers != y_test).sum()


def test_a_seed_repeats_a_run(train, example, monkeypatch):
    for name in ("draw_before", "draw_after"):  # pictures take most of the time
        monkeypatch.setattr(example("train_mnist"), name, lambda *arguments: None)

    def losses(seed):
        out = train("--epochs", "1", "--seed", seed)[1]
        return next(line for line in out.splitlines() if line.startswith("training loss"))

    assert losses("3") == losses("3") != losses("4")


def test_below_min_accuracy_it_fails_with_one_line(train):
    code, out, err, folder = train("--epochs", "1", "--min-accuracy", "1.0")
    assert code == 1
    assert err.count("\n") == 1
    assert err.startswith("train_mnist.py: test accuracy 0.")
    assert err.endswith(" is below --min-accuracy 1.0\n")
    assert out.splitlines()[-1].startswith("Everything lies in")
    assert "model.h5" in names(folder)


def test_without_data_it_draws_digits_and_says_so(train, example, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "cache_folder", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    few = {20_000: 120, 5_000: 40}
    monkeypatch.setattr(example("digits"), "draw_digits", lambda n, seed: draw_digits(few[n], seed))
    titles = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: titles.append(title(figure)))
    code, out, err, _ = train("--epochs", "1", data=None)
    assert code == 0
    assert len(titles) == len(PICTURES)
    assert not any("MNIST" in head for head in titles)
    assert sum("drawn digits" in head.lower() for head in titles) == len(PICTURES) - 1
    assert "Warning: going on with drawn digits in its place." in err
    assert out.startswith("drawn digits: 120, 40 images")
    mentions = [line for line in out.splitlines() if "MNIST" in line]
    assert [line.split() for line in mentions] == [["data", "MNIST", "drawn", "digits"]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--data", "nowhere"], "load_mnist(path): expected a folder with the four IDX files"),
        (["--out", "{file}"], "--out: expected a folder to write in, got {file} (File exists)"),
    ],
)
def test_a_users_mistake_is_one_line(example, tmp_path, capsys, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file"
    file.write_text("")
    assert example("train_mnist").main([a.format(file=file) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("train_mnist.py: " + text.format(file=file))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--epochs", "0"], "argument --epochs: expected a whole number from 1 on, got 0"),
        (["--batch-size", "x"], "argument --batch-size: expected a whole number from 1 on, got x"),
        (["--seed", "-1"], "argument --seed: expected"),
        (["--min-accuracy", "99"], "argument --min-accuracy: expected a number from 0 to 1, got"),
    ],
)
def test_a_wrong_argument_is_explained(example, capsys, arguments, text):
    with pytest.raises(SystemExit) as stop:
        example("train_mnist").main(arguments)
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_keeps_the_epochs_done(small_mnist, tmp_path):
    # The signal comes in the third epoch, however busy the machine is.
    interrupting = (
        "import os, signal\n"
        "from npcnn.callbacks import History\n"
        "def interrupt(self, epoch, logs=None):\n"
        "    if epoch == 2:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "History.on_epoch_begin = interrupt\n"
    )
    arguments = ["--epochs", "5000", "--data", small_mnist, "--out", "kept"]
    run = finish(prepared(interrupting, EXAMPLES / "train_mnist.py", *arguments), cwd=tmp_path)
    out, err = run.stdout, run.stderr
    assert run.returncode == 130, err
    assert err == ""
    assert "Interrupted after 2 whole epochs; keeping what there is." in out
    assert "epochs                            25                 2" in out
    assert out.splitlines()[-1].startswith(f"Everything lies in {tmp_path / 'kept'}: samples.png")
    assert names(tmp_path / "kept") == sorted([*PICTURES, "model.h5"])


def test_ctrl_c_in_the_first_epoch_still_leaves_a_model(train, monkeypatch):
    def interrupt(self, *arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(npcnn.Sequential, "fit", interrupt)
    code, out, _, folder = train()
    assert code == 130
    assert "Interrupted after 0 whole epochs" in out
    assert names(folder) == ["confusion.png", "mistakes.png", "model.h5", *PICTURES[-2:]]


def test_ctrl_c_before_training_is_one_line(example, tmp_path, capsys, monkeypatch):
    def interrupt(folder):
        raise KeyboardInterrupt

    module = example("train_mnist")
    monkeypatch.setattr(module, "find_digits", interrupt)
    assert module.main(["--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err.startswith("train_mnist.py: interrupted; ")
