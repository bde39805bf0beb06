"""Write docs/coverage.md and its Chinese edition: what of Keras npcnn has.

    python docs/make_coverage.py            # from docs/keras_names.json and npcnn's code
    python docs/make_coverage.py --keras    # asks the Keras installed first, and keeps its answer

`keras_names.json` holds Keras's public names and signatures, so that the pages can be made, and
held to be the newest, where Keras is not installed.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
KEPT = HERE / "keras_names.json"
MODULES = [
    "layers", "activations", "initializers", "regularizers", "constraints", "losses", "metrics",
    "optimizers", "optimizers.schedules", "callbacks", "models", "datasets", "utils",
    "preprocessing.image", "saving", "backend", "config", "ops", "ops.image", "ops.linalg",
    "random",
]  # fmt: skip
# Methods of Keras's models, beside those that a layer has.
MODEL = [
    "add", "compile", "count_params", "evaluate", "export", "fit", "from_config", "get_config",
    "get_layer", "get_weights", "load_weights", "pop", "predict", "predict_on_batch", "save",
    "save_weights", "set_weights", "summary", "test_on_batch", "to_json", "train_on_batch",
]  # fmt: skip
# Arguments that npcnn takes, but not with every value that Keras takes.
LIMITS = {
    "data_format": "`'channels_last'`",
    "sparse": "`False`", "ragged": "`False`",
}  # fmt: skip
# Keras's arguments that mean nothing without graphs, devices or other types than npcnn's.
IDLE = {"autocast"}

WORDS = {
    "en": {
        "file": "coverage.md", "other": "[中文](coverage.zh-CN.md)",
        "title": "What of Keras is here",
        "intro": "Written by `python docs/make_coverage.py` from npcnn's code and the signatures "
        "of Keras {version}. *Same*: every argument, under the same name, with the same default. "
        "*Partly*: what is missing is named; what all layers take stands with `Layer`.",
        "all": "{same} of {all} names are the same, {partly} are partly here.",
        "same": "Same", "partly": "Partly", "absent": "Not here", "model": "Models' methods",
        "without": "without", "default": "default {mine} instead of {theirs}",
        "only": "only {what}",
        "later": "not yet", ",": ", ", ":": ": ", ";": "; ",
    },
    "zh-CN": {
        "file": "coverage.zh-CN.md", "other": "[English](coverage.md)",
        "title": "Keras 有哪些已在此处",
        "intro": "由 `python docs/make_coverage.py` 根据 npcnn 的代码"
        "与 Keras {version} 的签名生成。"
        "*相同*：每个参数都在，名称与默认值一致。*部分*：注明所缺；所有层共有的参数见 `Layer`。",
        "all": "{all} 个名称中 {same} 个相同，{partly} 个部分具备。",
        "same": "相同", "partly": "部分", "absent": "没有", "model": "模型的方法",
        "without": "缺少", "default": "默认值为 {mine} 而非 {theirs}", "only": "仅限 {what}",
        "later": "尚未实现", ",": "、", ":": "：", ";": "；",
    },
}  # fmt: skip

Signature = list[list[str]]  # [name] or [name, default] of each argument


class Entry(NamedTuple):
    """A name of Keras's: `verdict` is 'same', 'partly' or 'absent', `notes` what differs."""

    name: str
    verdict: str
    notes: list[tuple[str, ...]]
    reason: str


def signature(thing: Any, inherited: bool = True) -> Signature:
    """Return a function's or a class's arguments, those of its bases behind ** if asked for."""
    found: dict[str, list[str]] = {}
    functions = [thing]
    if inspect.isclass(thing):  # its own signature shows defaults that its base's has not
        functions = [c if "__signature__" in vars(c) else c.__init__ for c in thing.__mro__[:-1]]
    for function in functions if inherited else functions[:1]:
        passes_on = False
        for p in inspect.signature(function).parameters.values():
            passes_on |= p.kind is p.VAR_KEYWORD
            if p.name not in ("self", "cls") and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                default = [] if p.default is p.empty else [_shown(p.default)]
                found.setdefault(p.name, [p.name, *default])
        if not passes_on:
            break
    return list(found.values())


def _shown(value: Any) -> str:
    """Return a default as it is written; a function by its name."""
    return f"'{value.__name__}'" if callable(value) else repr(value)


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names that a module of Keras's offers, and what they are."""
    for name in sorted(vars(module)):
        if not name.startswith("_"):
            yield name, getattr(module, name)


def ask_keras() -> dict[str, Any]:
    """Return the installed Keras's version, and name → arguments by module."""
    keras = importlib.import_module("keras")
    found: dict[str, Any] = {}
    for module in MODULES:
        home = importlib.import_module(f"keras.{module}")
        found[module] = {
            name: []
            if inspect.ismodule(thing) or not callable(thing)
            else signature(thing, inherited=False)
            for name, thing in public(home)
        }
    found["Model"] = {name: signature(getattr(keras.Sequential, name)) for name in MODEL}
    return {"version": keras.__version__, "names": found}


def compared(module: str, names: dict[str, Signature]) -> list[Entry]:
    """Return what npcnn has of a module of Keras's."""
    import npcnn
    from npcnn.absent import reason

    entries = []
    home: Any = npcnn.Sequential if module == "Model" else _home(module)
    for name, theirs in names.items():
        mine = None if home is None else getattr(home, name, None)
        if mine is None:
            why = reason(f"npcnn.{module}", name)
            entries.append(Entry(name, "absent", [], "later" if why is None else why))
            continue
        notes = [] if inspect.ismodule(mine) or not callable(mine) else _notes(mine, theirs)
        entries.append(Entry(name, "partly" if notes else "same", notes, ""))
    return entries


def _home(module: str) -> Any:
    try:
        return importlib.import_module(f"npcnn.{module}")
    except ImportError:
        return None


def _notes(mine: Any, theirs: Signature) -> list[tuple[str, ...]]:
    """Return what differs: ('without', names), ('default', name, …), ('only', name, value)."""
    own = {name: default for name, *default in signature(mine)}
    held = mine.regulations() if hasattr(mine, "regulations") else []  # given by name alone
    own |= {name: ["None"] for name in held}
    theirs = [argument for argument in theirs if argument[0] not in IDLE]
    notes: list[tuple[str, ...]] = []
    missing = [f"`{name}`" for name, *_ in theirs if name not in own]
    if missing:
        notes.append(("without", ", ".join(missing)))
    for name, *default in theirs:
        if name in LIMITS and name in own:
            notes.append(("only", name, LIMITS[name]))
        elif default and own.get(name) and _plain(default[0]) != _plain(own[name][0]):
            notes.append(("default", name, own[name][0], default[0]))
    return notes


def _plain(default: str) -> Any:
    """Return a default in the one form that stands for all spellings: 1 and (1, 1), 1e-7."""
    try:
        value = eval(default, {"inf": float("inf")})
    except (NameError, SyntaxError):
        return default
    if isinstance(value, (tuple, list)) and value and all(v == value[0] for v in value):
        value = value[0]
    return value


def page(kept: dict[str, Any], language: str) -> str:
    """Return the page in a language."""
    words = WORDS[language]
    colon, comma = words[":"], words[","]
    tables = {module: compared(module, names) for module, names in kept["names"].items()}
    every = [entry for entries in tables.values() for entry in entries]
    counts = {verdict: sum(e.verdict == verdict for e in every) for verdict in ("same", "partly")}
    lines = [f"# {words['title']}", "", words["other"], "", words["intro"].format(**kept), ""]
    lines += [words["all"].format(all=len(every), **counts), ""]
    for module, entries in tables.items():
        lines += [f"## {words['model'] if module == 'Model' else f'`keras.{module}`'}", ""]
        same = [f"`{e.name}`" for e in entries if e.verdict == "same"]
        lines += [f"**{words['same']}**{colon}{comma.join(same)}", ""] if same else []
        partly = [e for e in entries if e.verdict == "partly"]
        lines += [f"**{words['partly']}**{colon}".rstrip(), ""] if partly else []
        for e in partly:
            said = words[";"].join(_said(note, words) for note in e.notes)
            lines.append(f"* `{e.name}`{colon}{said}")
        lines += [""] if partly else []
        lines += _absent(entries, language)
    return "\n".join(lines).rstrip() + "\n"


def _said(note: tuple[str, ...], words: dict[str, str]) -> str:
    kind, what, *more = note
    if kind == "without":
        return f"{words['without']} {words[','].join(what.split(', '))}"
    if kind == "only":
        return f"`{what}` {words['only'].format(what=more[0])}"
    mine, theirs = (f"`{value}`" for value in more)
    return f"`{what}` {words['default'].format(mine=mine, theirs=theirs)}"


def _absent(entries: list[Entry], language: str) -> list[str]:
    """Return the lines of what is not here, by reason."""
    from npcnn.absent import CHINESE

    words, groups = WORDS[language], dict[str, list[str]]()
    for entry in entries:
        if entry.verdict == "absent":
            groups.setdefault(entry.reason, []).append(f"`{entry.name}`")
    if not groups:
        return []
    lines = [f"**{words['absent']}**{words[':']}".rstrip(), ""]
    for why, names in groups.items():
        text = words["later"] if why == "later" else CHINESE[why] if language != "en" else why
        lines.append(f"* {words[','].join(names)}{words[':']}{text}")
    return [*lines, ""]


def pages() -> dict[Path, str]:
    """Return path → text of both editions."""
    kept = json.loads(KEPT.read_text("utf-8"))
    return {HERE / WORDS[language]["file"]: page(kept, language) for language in WORDS}


def main() -> None:
    """Write the pages, and Keras's names before if asked to."""
    if "--keras" in sys.argv:
        asked = ask_keras()
        rooms = [f"{json.dumps(room)}: {json.dumps(held)}" for room, held in asked["names"].items()]
        names = ",\n".join(rooms)
        version = json.dumps(asked["version"])
        KEPT.write_text(f'{{"version": {version}, "names": {{\n{names}\n}}}}\n', "utf-8")
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        print(f"written: {path}")


if __name__ == "__main__":
    main()
