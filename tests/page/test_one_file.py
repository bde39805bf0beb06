"""What is written, without a browser: one file, whole or not at all, and nothing from elsewhere."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sample_networks import digits, document_network, small_network

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, DtypeError, FileError, StateError
from npcnn.page import one_file
from npcnn.page.described import describe
from npcnn.page.one_file import page_of
from npcnn.page.packed import Bytes
from npcnn.page.program import bundle
from npcnn.page.samples import describe_samples

WEB = Path(one_file.__file__).parent / "web"
SCRIPTS = sorted(WEB.rglob("*.js"))


def description_of(page):
    return json.loads(re.search(r'id="network">(.*?)</script>', page, re.S)[1])


def test_nothing_is_loaded_from_elsewhere():
    page = page_of(document_network(), *digits(3))
    assert set(re.findall(r"https?://[^\s\"'`]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert re.findall(r"<(?:script|link|img)[^>]* (?:src|href)=\"([^\"]+)", page) == ["data:,"]


def test_modules_become_one_program():
    program = bundle()
    assert not re.search(r"^(?:import|export)\b", program, re.M)
    assert {path.relative_to(WEB).as_posix() for path in SCRIPTS} == set(
        re.findall(r"^// ([\w/]+\.js)$", program, re.M)
    )
    names = re.findall(r"^(?:const|let|class|(?:async )?function) (\w+)", program, re.M)
    for several in re.findall(r"^(?:const|let) [\[{]([^\]}]*)[\]}] =", program, re.M):
        names += re.findall(r"\w+", several)
    assert len(names) == len(set(names)), "no two modules may say one name for different things"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_each_module_is_short_and_imports_what_it_names(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for names, target in re.findall(r'^import \{([^}]*)\} from "([^"]+)";', text, re.M):
        other = (path.parent / target).resolve().read_text("utf-8")
        for name in names.replace("\n", " ").split(","):
            if name.strip():
                assert re.search(rf"^export .*\b{name.strip()}\b", other, re.M), (name, target)
                assert len(re.findall(rf"\b{name.strip()}\b", text)) > 1, f"{name} is not used"


def test_both_languages_have_each_text():
    from_code = set()
    for path in SCRIPTS:
        from_code |= set(re.findall(r'\bsay\("([^"]+)"', path.read_text("utf-8")))
        from_code |= set(re.findall(r'\bline\("([^"]+)"', path.read_text("utf-8")))
    texts = (WEB / "parts" / "texts.js").read_text("utf-8")
    chinese = texts.partition("CHINESE")[2]
    keys = set(re.findall(r'^  (?:"([^"]+)"|(\w+)):', chinese, re.M))
    keys = {one or other for one, other in keys}
    assert from_code - keys == set()
    for line in chinese.splitlines():
        said = re.search(r': "(.*)",$', line)
        if said and re.search("[\u4e00-\u9fff]", said[1]):
            assert not re.search("[\u4e00-\u9fff][,.;:!?()]|[,.;:!?()][\u4e00-\u9fff]", said[1]), (
                line
            )


@pytest.mark.parametrize("divide", [1, 255, 256])
def test_samples_come_back_exactly(divide):
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 2)).astype(np.float32) / divide
    row = Bytes()
    model = small_network()
    page = describe(model, row)
    samples = describe_samples(model, x, np.arange(40) % 3, row, page)
    (where,) = samples["inputs"]
    content = row.content()[where["at"] :]
    if divide == 256:
        found = np.frombuffer(content, "<f4", x.size)
    else:
        found = np.frombuffer(content, "u1", x.size).astype(np.float32) / where["divide"]
    np.testing.assert_array_equal(found.reshape(x.shape), x)
    assert samples["targets"] == (np.arange(40) % 3).tolist()


def test_no_more_samples_than_there_is_room_for_and_it_says_so():
    x = np.random.default_rng(0).normal(size=(1500, 28, 28, 1)).astype(np.float32)
    samples = description_of(page_of(document_network(), x))["samples"]
    assert samples["of"] == 1500
    assert samples["count"] == 1_200_000 // (4 * 784)
    assert description_of(page_of(document_network(), x > 0))["samples"]["count"] == 1000


def test_targets():
    model, (x, y) = document_network(), digits(3)
    rows = npcnn.utils.to_categorical(y, 10)
    for given, expected in ((y, y), (y[:, None], y), (rows, y), (rows * 0.5, rows * 0.5)):
        found = description_of(page_of(model, x, given))["samples"]["targets"]
        np.testing.assert_array_equal(found, expected)


def test_names_cannot_end_the_script():
    model = npcnn.Sequential([layers.Input((4, 4, 1)), layers.Flatten()], name="</script><b>")
    page = page_of(model)
    assert "</script><b>" not in page
    assert description_of(page)["name"] == "</script><b>"
    named = page_of(model, class_names=["</script>", "\ud800", "猫"] + ["x"] * 13)
    assert description_of(named)["class_names"][:3] == ["</script>", "\ud800", "猫"]
    assert named.encode("utf-8").count(b"</script>") == page.encode("utf-8").count(b"</script>")


def test_what_is_wrong_is_said_and_no_file_is_left(tmp_path):
    name = tmp_path / "page.html"
    model, (x, y) = document_network(), digits(3)
    unbuilt = npcnn.Sequential([layers.Dense(3)])
    for given, error, text in (
        ((unbuilt, name), StateError, "a built model"),
        ((model, name, x[:, :5]), ArgumentError, r"save_page\(x\)"),
        ((model, name, x, y[:2]), ArgumentError, "3 targets, got 2"),
        ((model, name, x, y + 10), ArgumentError, r"save_page\(y\): expected class numbers 0 to 9"),
        ((model, name, x, y.astype(int) - 10), ArgumentError, "class numbers 0 to 9, got -"),
        ((model, name, None, y), ArgumentError, "the samples that y belongs to, got None"),
        ((model, tmp_path / "none" / "page.html"), FileError, "none"),
        ((model, 3), ArgumentError, r"save_page\(path\)"),
        (("model", name), DtypeError, r"save_page\(model\)"),
    ):
        with pytest.raises(error, match=text):
            npcnn.save_page(*given)
    assert list(tmp_path.iterdir()) == []
