"""The pages: what they link to and name is there, and both languages say the same."""

import html.parser
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from runs import ROOT, finish, prepared

PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
)
CHINESE = [name for name in PAGES if name.endswith(".zh-CN.md")]
TRANSLATED = ["README.md", *(name for name in PAGES if name.startswith("docs/"))]
TRANSLATED = [name for name in TRANSLATED if name not in CHINESE]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HAN = "[\u4e00-\u9fff]"
FULL = "[\u4e00-\u9fff，。；：、（）！？“”]"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name):
    return FENCE.sub("", text(name))


def headings(name):
    return re.findall(r"^(#+) (.*)$", prose(name), re.MULTILINE)


def anchors(name):
    """Return what a heading is called in an address: GitHub's rule."""
    found = []
    for _, title in headings(name):
        word = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        taken = len([w for w in found if re.fullmatch(rf"{re.escape(word)}(-\d+)?", w)])
        found.append(f"{word}-{taken}" if taken else word)
    return found


def links(name):
    return re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", prose(name))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    folder = (ROOT / name).parent
    for one, other in links(name):
        target = one or other
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        page = (folder / path).resolve() if path else ROOT / name
        assert page.exists(), target
        if anchor:
            assert anchor in anchors(page.relative_to(ROOT).as_posix()), target


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_are_there(name):
    pattern = r"`((?:npcnn|examples|tests|benchmarks|docs|\.ci)/[\w./]*)`"
    missing = [path for path in re.findall(pattern, prose(name)) if not (ROOT / path).exists()]
    assert [path for path in missing if not path.startswith("docs/api")] == []


NAMED = re.compile(r"`([\w./]+\.py)`[:：] ?((?:`\w+`(?:, |、)?)+)")


def lost(line):
    """Return what a line says is in a file of the package, as `npcnn/a.py`: `b`, and is not."""
    folder = (ROOT / next(iter(re.findall(r"`(npcnn/[\w./]+\.py)`", line)), "npcnn/x")).parent
    for path, names in NAMED.findall(line):
        source = (ROOT / path if "/" in path else folder / path).read_text("utf-8")
        for name in re.findall(r"\w+", names):
            if not re.search(rf"^(?:def|class) {name}\b", source, re.MULTILINE):
                yield f"{path}: {name}"


@pytest.mark.parametrize("name", [*PAGES, "examples/look_inside_text.py"])
def test_functions_that_are_named_are_in_their_files(name):
    assert [found for line in text(name).splitlines() for found in lost(line)] == []


def test_a_function_that_is_gone_is_seen():
    beside = "`npcnn/reference/losses.py`, `conv.py`: `conv2d`, `lost`"
    assert list(lost(beside)) == ["conv.py: lost"]
    assert list(lost("`npcnn/training.py`：`train_step`、`gone`")) == ["npcnn/training.py: gone"]


def test_the_link_checker_knows_an_anchor(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = "# A: b\n## 用什么换来\n## 用什么换来\n[x](#a-b) [y](#用什么换来-1)\n"
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    assert anchors("page.md") == ["a-b", "用什么换来", "用什么换来-1"]
    test_links_lead_somewhere("page.md")
    (tmp_path / "page.md").write_text("# A\n[x](#b)\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        test_links_lead_somewhere("page.md")


# Two languages ---------------------------------------------------------------------------------


def chinese(name):
    return name.removesuffix(".md") + ".zh-CN.md"


def test_every_page_has_both_editions():
    assert [chinese(name) for name in TRANSLATED] == CHINESE
    for name in TRANSLATED:
        assert f"]({Path(chinese(name)).name})" in text(name).split("\n\n")[1], name
        assert f"]({Path(name).name})" in text(chinese(name)).split("\n\n")[1], name


@pytest.mark.parametrize("name", TRANSLATED)
def test_both_editions_have_the_same_sections(name):
    assert [level for level, _ in headings(name)] == [level for level, _ in headings(chinese(name))]


@pytest.mark.parametrize("name", TRANSLATED)
def test_both_editions_have_the_same_tables_lists_and_links(name):
    for pattern in (r"^\|", r"^\* ", r"^\d+\. "):
        first, second = (re.findall(pattern, prose(n), re.M) for n in (name, chinese(name)))
        assert len(first) == len(second), pattern

    def targets(page):
        found = {(one or other).partition("#")[0] for one, other in links(page)}
        return {path.replace(".zh-CN", "") for path in found} - {Path(name).name}

    assert targets(name) == targets(chinese(name))


def code_only(line):
    """Return a line without its comment."""
    return re.sub(r"(^|\s+)#.*$", "", line)


@pytest.mark.parametrize("name", TRANSLATED)
def test_both_editions_show_the_same_code(name):
    first, second = (FENCE.findall(text(n)) for n in (name, chinese(name)))
    assert [language for language, _ in first] == [language for language, _ in second]
    for (_, block), (_, other) in zip(first, second, strict=True):
        for line, translated in zip(block.splitlines(), other.splitlines(), strict=True):
            if line != translated:  # a comment, or a text that is printed
                assert not translated.isascii(), translated
                code, other_code = code_only(line), code_only(translated)
                texts = r"$^" if other_code.isascii() else r"\"[^\"]*\""
                assert re.sub(texts, "", code) == re.sub(texts, "", other_code)


@pytest.mark.parametrize("name", CHINESE)
def test_chinese_has_chinese_punctuation(name):
    """Half-width marks stand between Latin letters only; in code, comments are held to it too."""
    page = re.sub(r"\]\([^)\s]*\)", "]", text(name))  # addresses
    page = re.sub(r"`[^`\n]+`", "`", page)
    marks = rf"(?:{HAN}`? ?[()]|[()] ?`?{HAN}|{FULL} ?`?[,:;!?]|[,:;!?]`? ?{FULL})"
    assert re.findall(rf".{{0,12}}{marks}.{{0,12}}", page) == []
    assert re.findall(rf".*{HAN}\"|\"{HAN}.*", FENCE.sub("", page)) == []


# The API reference -----------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        self.links |= {found[key] for key in ("href", "src") if found.get(key)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Build the reference; return its pages by their path. Half the time is colours of source."""
    folder = tmp_path_factory.mktemp("api")
    script = ROOT / "docs" / "make_api.py"
    run = finish(prepared("", script, folder, "--without-source"), cwd=folder)
    assert run.returncode == 0, run.stderr
    found = folder.rglob("*.html")
    return {p.relative_to(folder).as_posix(): Page(p.read_text("utf-8")) for p in found}


def test_the_reference_has_a_page_for_each_public_module_and_no_other(reference):
    from test_names import PUBLIC

    pages = {name.replace(".", "/") + ".html" for name in PUBLIC}
    inherited = {f"npcnn/{name}.html" for name in ("network", "on_batch", "stored")}
    assert set(reference) == pages | {"index.html"} | inherited
    for module in PUBLIC:
        held = sys.modules[module]
        page = reference[module.replace(".", "/") + ".html"]
        submodules = {name for name in held.__all__ if f"{module}.{name}" in sys.modules}
        assert {name for name in held.__all__ if name not in submodules} <= page.ids


def test_links_within_the_reference_lead_somewhere(reference):
    for name, page in reference.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = unquote(link).partition("#")
            target = (Path("/") / Path(name).parent / path).resolve().relative_to("/").as_posix()
            other = reference[target if path else name]
            assert not anchor or anchor in other.ids, f"{name}: {link}"
