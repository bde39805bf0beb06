import re

import pytest
from runs import EXAMPLES, finish, prepared, run_program

# The program has no seed, and takes its pictures in the order that the file system has them.
SEEDED = """
import glob, npcnn
listed = glob.glob
glob.glob = lambda pattern: sorted(listed(pattern))
npcnn.set_random_seed(0)
"""
PROGRAM = (EXAMPLES / "document_program.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_mnist):
    """Make the document's folders as the examples say, run its program in another folder."""
    folder = tmp_path_factory.mktemp("document")
    maker = EXAMPLES / "make_image_folders.py"
    made = run_program(maker, "digits", "--count", 240, "--data", small_mnist.parent, cwd=folder)
    assert made.returncode == 2  # that folder holds no IDX files
    made = run_program(maker, "digits", "--count", 120, "--data", small_mnist, cwd=folder)
    assert made.returncode == 0, made.stderr
    program = prepared(SEEDED, EXAMPLES / "document_program.py", "digits")
    return folder, finish(program, cwd=folder)


def test_it_runs_to_its_last_line(finished):
    folder, run = finished
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert (folder / "test.h5").stat().st_size > 4 * 65_788


def test_it_prints_the_documents_lines(finished):
    lines = finished[1].stdout.splitlines()
    assert lines[::2] == [f"Epoch {k}/25" for k in range(1, 26)]
    number = r"\d+\.\d{4}(e[-+]\d\d)?"  # Keras prints nought as 0.0000e+00
    form = (
        rf"2/2 - \d+s - loss: {number} - accuracy: {number} - val_loss: {number}"
        rf" - val_accuracy: {number} - \d+m?s/epoch - \d+[mu]?s/step"
    )
    assert all(re.fullmatch(form, line) for line in lines[1::2]), lines[1]


def test_it_learns(finished):
    losses = [float(text) for text in re.findall(r" loss: ([\d.e-]+)", finished[1].stdout)]
    assert len(losses) == 25
    assert losses[-1] < 0.8 * losses[0]


def test_it_reads_as_the_document_does():
    """The document's words, save for imports, the folder, and the publishing's lost marks."""
    for line in (
        "wid = 28#定义图片的宽",
        "def process(preimg):#读取图片，将它转化成 np.array 的格式",
        "    filters 要去训练多少个卷积核",
        "    padding:same 表示填充一圈, valid 表示不填充",
        "    model.add(layers.Flatten())#将数据压缩成一维数组",
        "    model.add(layers.Dropout(0.5))",
        'model = create_model()#load_model("test.h5")',
        "history = model.fit(trainset,trainexpe,batch_size=60,epochs=25,verbose=2, "
        "validation_data=(testset,testexpe))",
        "# 绘制训练 & 验证的损失值",
        "model.save('test.h5')",
    ):
        assert line in PROGRAM.splitlines(), line
    assert PROGRAM.startswith("#coding:utf-8\n")
    assert PROGRAM.count("npcnn") == 2
    assert PROGRAM.endswith("model.save('test.h5')\n")
