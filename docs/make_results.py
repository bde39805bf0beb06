"""Write docs/results.md and its Chinese edition: how much of MNIST which network is right about.

    python docs/make_results.py     # from what lies in benchmarks/results

The READMEs get the table between their `<!-- results -->` marks. What has not been measured yet has
no numbers.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS.parent / "benchmarks" / "results"
MARK = "<!-- results -->"
ROWS = ("document", "votes", "plain", "small", "tiny", "any")
DASHES: Any = ("-", "--", ":", (0, (7, 2)), "-.", (0, (4, 1, 1, 1, 1, 1)))  # not by colour alone
WORDS: dict[str, dict[str, str]] = {
    "results.md": {
        "other": "[中文](results.zh-CN.md)",
        "title": "# How much of MNIST",
        "intro": "Written by `python docs/make_results.py`. Every choice was made on the last\n"
        "10,000 training pictures, held out; the test pictures are looked at once, at the end.\n"
        "Means are over seeds, from the worst to the best in brackets.",
        "threads": " (1 thread)",
        "choices": "Choices tried on the held-out pictures: {}.",
        "head": "| network | parameters | test accuracy | seeds | minutes a seed |",
        "document": "the document's, one forward pass",
        "votes": "the same, votes over moved copies",
        "plain": "the same without augmentation",
        "small": "under 10,000 parameters",
        "tiny": "under 1,000 parameters",
        "any": "any, ten minutes on two cores",
        "none": "not measured yet",
        "curves": "![Share of the training pictures, as moved, that a network is wrong about: "
        "medians over seeds, from the best to the worst](pictures/results.png)",
        "recipes": "## The recipes",
        "recipe": "A row is made again by its command; what is not named is as the script has it.",
        "others": "For Fashion-MNIST and CIFAR-10, `python examples/best_pictures.py` has recipes\n"
        "of fewer than 100,000 parameters and ten minutes, for the reader's own copy of the data;\n"
        "no figure is given for them.",
        "time": "## Seconds to 99 %",
        "clock": "From the start of a process, caches warm, until the network has learnt; the\n"
        "same recipe for both. By `python benchmarks/time_to_99.py`.",
        "time_head": "| | mean accuracy | median seconds | from … to |",
    },
    "results.zh-CN.md": {
        "other": "[English](results.md)",
        "title": "# MNIST 能答对多少",
        "intro": "由 `python docs/make_results.py` 生成。\n"
        "所有选择都在留出的最后 10,000 张训练图片上作出；测试图片只在最后看一次。\n"
        "平均值是对各个种子求的，方括号内是最差到最好。",
        "threads": "（1 个线程）",
        "choices": "在留出的图片上试过的选择：{} 个。",
        "head": "| 网络 | 参数个数 | 测试准确率 | 种子 | 每个种子的分钟数 |",
        "document": "文中的网络，一次前向传播",
        "votes": "同一网络，由移动过的副本投票",
        "plain": "同一网络，不用数据增强",
        "small": "参数少于 10,000 个",
        "tiny": "参数少于 1,000 个",
        "any": "任意网络，两个核心十分钟",
        "none": "尚未测量",
        "curves": "![网络在（移动过的）训练图片上答错的比例：各种子的中位数，"
        "以及从最好到最差的范围](pictures/results.png)",
        "recipes": "## 配方",
        "recipe": "每一行都可由对应的命令重新得到；没有写出的设置见脚本。",
        "others": "对 Fashion-MNIST 与 CIFAR-10，`python examples/best_pictures.py` 备有参数少于\n"
        "100,000 个、十分钟以内的配方，数据由读者自备；此处不给出数字。",
        "time": "## 达到 99 % 所需的秒数",
        "clock": "从进程启动开始计时（缓存已就绪），直到网络学完为止；两者的配方相同。\n"
        "由 `python benchmarks/time_to_99.py` 测量。",
        "time_head": "| | 平均准确率 | 秒数的中位数 | 从 … 到 |",
    },
}


def recipes() -> dict[str, Any]:
    """Return the recipes of examples/best_mnist.py."""
    if "best_mnist" not in sys.modules:
        place = DOCS.parent / "examples" / "best_mnist.py"
        spec = importlib.util.spec_from_file_location("best_mnist", place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["best_mnist"] = module
        spec.loader.exec_module(module)
    return sys.modules["best_mnist"].RECIPES


def kept(name: str) -> Any:
    """Return what a script has written, {} for nothing."""
    path = RESULTS / name
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def page(words: dict[str, str]) -> str:
    """Return a page in one language."""
    choices = RESULTS.glob("*_choices.jsonl")
    count = sum(len(path.read_text("utf-8").splitlines()) for path in choices)
    found = {name: kept(f"best_mnist_{name}.json") for name in ROWS}
    lines = [words["title"], "", words["other"], "", words["intro"], ""]
    lines += [words["choices"].format(f"{count:,}"), "", *table(words)]
    if any(map(curves, found.values())):
        lines += ["", words["curves"]]
    lines += ["", words["recipes"], "", words["recipe"], "", "```"]
    lines += [command(name, found.get(name)) for name in ROWS]
    lines += ["```", "", words["others"], "", words["time"], "", words["clock"], ""]
    lines += [words["time_head"], "|---|---|---|---|"]
    timed = kept("time_to_99.json")
    lines += [timing(name, timed.get(name), words) for name in ("npcnn", "torch")]
    return "\n".join(lines) + "\n"


def table(words: dict[str, str]) -> list[str]:
    """Return the table of what which network is right about."""
    rows = [row(name, kept(f"best_mnist_{name}.json"), words) for name in ROWS]
    return [words["head"], "|---|---|---|---|---|", *rows]


def row(name: str, entry: Any, words: dict[str, str]) -> str:
    """Return a line of the table."""
    if not entry or not entry["seeds"]:
        return f"| {words[name]} | | {words['none']} | | |"
    spread = f"[{entry['least']:.2%}, {entry['most']:.2%}]"
    seconds = [one["seconds"] for one in entry["seeds"].values() if one["seconds"]]
    minutes = f"{sum(seconds) / len(seconds) / 60:.1f}" if seconds else ""
    threads = {one.get("threads") for one in entry["seeds"].values()} - {None}
    minutes += words["threads"] if threads == {1} else ""
    return (
        f"| {words[name]} | {entry['parameters']:,} | **{entry['mean']:.3%}** {spread} "
        f"| {len(entry['seeds'])} | {minutes} |"
    )


def curves(entry: Any) -> list[list[float]]:
    """Return the accuracy epoch by epoch of each seed that has kept it."""
    seeds = entry["seeds"].values() if entry else ()
    return [one["curve"] for one in seeds if one.get("curve")]


def draw(path: Path) -> None:
    """Draw what share each row's networks were wrong about in training, epoch by epoch."""
    import matplotlib
    import numpy as np
    from matplotlib import ticker
    from matplotlib.figure import Figure

    from npcnn.figures import style

    with matplotlib.rc_context(style.PARAMETERS):
        figure = Figure(figsize=(8.0, 4.5), layout="constrained")
        axes = figure.subplots()
        for name, color, dashes in zip(ROWS, style.PALETTE, DASHES, strict=False):
            found = curves(kept(f"best_mnist_{name}.json"))
            if not found:
                continue
            wrong = 100 * (1 - np.array(found))
            epochs = np.arange(1, wrong.shape[1] + 1)
            middle, label = np.median(wrong, axis=0), WORDS["results.md"][name]
            axes.plot(epochs, middle, label=label, color=color, linestyle=dashes)
            low, high = wrong.min(axis=0), wrong.max(axis=0)
            axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
        axes.set(yscale="log", xlabel="epoch", ylabel="wrong about, % of the training pictures")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.grid(visible=True)
        axes.legend(handlelength=3.5)
        figure.savefig(path)


def command(name: str, entry: Any) -> str:
    """Return the command that makes a row, and the recipe in a comment."""
    recipe = entry["recipe"] if entry else dataclasses.asdict(recipes()[name])
    told = ("epochs", "batch_size", "rate", "dropout", "ema", "weight_decay", "smoothing", "votes")
    told += ("teacher",)
    text = ", ".join(f"{key} {recipe[key]}" for key in told if recipe.get(key))
    moves = ", ".join(f"{key} {value}" for key, value in recipe["moves"].items())
    return f"python examples/best_mnist.py {name}  # {text}" + (f"; {moves}" if moves else "")


def timing(name: str, entry: Any, words: dict[str, str]) -> str:
    """Return a line of the table of seconds."""
    if not entry:
        return f"| {name} | {words['none']} | | |"
    seconds = entry["seconds"]
    spread = f"{min(seconds):.1f} … {max(seconds):.1f}"
    return f"| {name} | {entry['mean']:.2%} | {entry['median']:.1f} | {spread} |"


def pages() -> dict[Path, str]:
    """Return what the pages say, by their files."""
    found = {DOCS / name: page(words) for name, words in WORDS.items()}
    for name, words in WORDS.items():
        readme = DOCS.parent / name.replace("results", "README")
        before, _, after = readme.read_text("utf-8").split(MARK)
        found[readme] = "\n".join([before + MARK, *table(words), MARK + after])
    return found


def main() -> None:
    """Write both pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"written: {path.relative_to(DOCS.parent)}")
    if any(curves(kept(f"best_mnist_{name}.json")) for name in ROWS):
        draw(DOCS / "pictures" / "results.png")


if __name__ == "__main__":
    main()
