"""Write the READMEs' tables and the picture of the race from benchmarks/results/*.json.

    python benchmarks/report.py

Both READMEs and docs/speed.md get their tables between their `<!-- benchmarks -->` marks; nothing
else is touched.
"""

from __future__ import annotations

import json
import re
from typing import Any

from common import HERE, RESULTS
from contenders import CONTENDERS

MARK = "<!-- benchmarks -->"
# The other batch sizes are in results/steps.json.
SHOWN = [("train", 60), ("train", 64), ("infer", 1), ("infer", 60), ("infer", 64)]
WORDS = {
    "README.md": {
        "epoch": "One training epoch of the document's network (60,000 images, batch {batch})",
        "columns": "| | seconds (min – max) | npcnn is faster by |",
        "steps": "| training step / inference | batch | npcnn | PyTorch (faster form) | ratio |",
        "train": "training",
        "infer": "inference",
        "start": "| | import | first step, cold | first step, warm | on disk |",
        "peak": "Peak memory of a training run on MNIST, validation included: {peak:.0f} MB.",
        "accuracy": "| 25 epochs | seeds | val_accuracy, mean ± deviation | min – max |",
        "machine": "{cpu}, {threads} threads; {versions}. Medians; contenders in alternation.",
        "warm": "Cold: nothing cached. From process start, seconds.",
    },
    "README.zh-CN.md": {
        "epoch": "文中网络训练一个 epoch(60,000 张图片,批大小 {batch})",
        "columns": "| | 秒(最小 – 最大) | npcnn 快几倍 |",
        "steps": "| 训练一步 / 推理 | 批大小 | npcnn | PyTorch(较快的形式) | 倍数 |",
        "train": "训练",
        "infer": "推理",
        "start": "| | 导入 | 第一步(无缓存) | 第一步(有缓存) | 磁盘占用 |",
        "peak": "在 MNIST 上完整训练(含验证)的内存峰值:{peak:.0f} MB。",
        "accuracy": "| 25 个 epoch | 种子数 | val_accuracy 均值 ± 标准差 | 最小 – 最大 |",
        "machine": "{cpu},{threads} 线程;{versions}。取中位数,各框架交替运行。",
        "warm": "无缓存:没有任何已编译的内核。自进程启动起,单位秒。",
    },
}


def main() -> None:
    for name, words in WORDS.items():
        write(name, [part(words) for part in (epoch, steps, start, accuracy)])
    write("docs/speed.md", [ops(), scaling()])
    draw()


def write(name: str, parts: list[str]) -> None:
    """Put the parts that there are between a file's marks."""
    path = HERE.parent / name
    text = path.read_text(encoding="utf-8")
    if text.count(MARK) != 2:
        raise SystemExit(f"{name}: expected two {MARK} marks, got {text.count(MARK)}")
    body = "\n\n".join(part for part in parts if part)
    pattern = re.compile(f"{MARK}.*{MARK}", re.DOTALL)
    path.write_text(pattern.sub(lambda _: f"{MARK}\n{body}\n{MARK}", text), encoding="utf-8")
    print(f"written: {name}")


def load(name: str) -> dict[str, Any] | None:
    """Return one result file, or None if that question was not asked yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def ordered(values: dict[str, Any]) -> list[str]:
    """Return the contenders that are there, in the one order for all tables."""
    return [name for name in CONTENDERS if name in values]


def conditions(words: dict[str, str], result: dict[str, Any]) -> str:
    """Return the sentence that says on what was measured."""
    versions = ", ".join(f"{k} {v}" for k, v in result.get("versions", {}).items())
    return words["machine"].format(versions=versions, **result["machine"])


def epoch(words: dict[str, str]) -> str:
    """Return the table of the epoch race."""
    result = load("epoch")
    if result is None:
        return ""
    own = result["seconds"]["npcnn"]["median"]
    rows = [words["columns"], "|---|---|---|"]
    for name in ordered(result["seconds"]):
        value = result["seconds"][name]
        ratio = "" if name == "npcnn" else f"{value['median'] / own:.2f} ×"
        seconds = f"{value['median']:.2f} ({value['min']:.2f} – {value['max']:.2f})"
        rows.append(f"| {CONTENDERS[name]} | {seconds} | {ratio} |")
    title = words["epoch"].format(batch=result["batch_size"])
    return f"**{title}**\n\n" + "\n".join(rows) + f"\n\n{conditions(words, result)}"


def steps(words: dict[str, str]) -> str:
    """Return the table of steps and inference, the faster PyTorch beside npcnn."""
    result = load("steps")
    if result is None:
        return ""
    rows = [words["steps"], "|---|---|---|---|---|"]
    for row in result["rows"]:
        own = row["seconds"]["npcnn"]["median"] * 1e3
        peers = [v["median"] * 1e3 for k, v in row["seconds"].items() if k.startswith("torch")]
        if not peers or (row["kind"], row["batch"]) not in SHOWN:
            continue
        kind = f"{row['network']}, {words[row['kind']]}"
        best = min(peers)
        rows.append(
            f"| {kind} | {row['batch']} | {own:.3f} ms | {best:.3f} ms | {best / own:.2f} × |"
        )
    return "\n".join(rows) + f"\n\n{conditions(words, result)}"


def start(words: dict[str, str]) -> str:
    """Return the table of import, first step and size."""
    result = load("startup")
    if result is None:
        return ""
    rows = [words["start"], "|---|---|---|---|---|"]
    for name in ordered(result["import"]):
        value = result["import"][name]
        first = result["first_step"][name]
        size = result["installed_mb"].get(name.removesuffix("-fast"))
        disk = "" if size is None else f"{size:.0f} MB"
        rows.append(
            f"| {CONTENDERS[name]} | {value['median']:.2f} s | {first['cold']['median']:.2f} s "
            f"| {first['warm']['median']:.2f} s | {disk} |"
        )
    peak = words["peak"].format(peak=max(result["peak_mb_after_each_epoch"]))
    return "\n".join(rows) + f"\n\n{words['warm']} {peak}"


def accuracy(words: dict[str, str]) -> str:
    """Return the table of final accuracies over seeds."""
    result = load("accuracy")
    if result is None:
        return ""
    rows = [words["accuracy"], "|---|---|---|---|"]
    for name, value in result["summary"].items():
        if not name.endswith("epochs 25"):
            continue
        deviation = "" if value["deviation"] is None else f" ± {value['deviation'] * 100:.3f} %"
        rows.append(
            f"| {CONTENDERS[name.split(',')[0]]} | {value['seeds']} "
            f"| {value['mean'] * 100:.3f} %{deviation} "
            f"| {value['min'] * 100:.2f} – {value['max'] * 100:.2f} % |"
        )
    return "\n".join(rows)


def ops() -> str:
    """Return the table of a training step's ops, on all threads that were measured."""
    result = load("op_profile")
    if result is None:
        return ""
    profile = result["profiles"][-1]
    rows = ["| op | µs | GFLOP/s | of the measured peak |", "|---|---|---|---|"]
    for row in profile["ops"]:
        rate = f"{row['gflops']:.0f} | {row['share_of_peak']:.0%}" if row["gflops"] else "|"
        rows.append(f"| {row['op']} | {row['microseconds']:.1f} | {rate} |")
    about = (
        f"{profile['threads']} threads, batch {profile['batch']}; measured peak "
        f"{profile['peak_gflops']:.0f} GFLOP/s; all ops one after the other "
        f"{profile['step_microseconds']:.0f} µs. Medians; each op called from Python."
    )
    return "\n".join(rows) + f"\n\n{about}"


def scaling() -> str:
    """Return the picture of the cost as the work grows."""
    if load("scaling") is None:
        return ""
    return (
        "![A 3×3 layer's time as batch, channels and image grow](../benchmarks/results/scaling.png)"
    )


def draw() -> None:
    """Draw the epoch race as bars."""
    from matplotlib.figure import Figure

    result = load("epoch")
    if result is None:
        return
    names = sorted(result["seconds"], key=lambda n: result["seconds"][n]["median"], reverse=True)
    names = [name for name in names if name != "npcnn-numpy"]
    medians = [result["seconds"][name]["median"] for name in names]
    figure = Figure(figsize=(8, 0.6 * len(names) + 1.3), layout="constrained")
    axes = figure.subplots()
    colours = ["#D55E00" if name == "npcnn" else "#999999" for name in names]
    axes.barh([CONTENDERS[name] for name in names], medians, color=colours)
    for place, median in enumerate(medians):
        axes.text(median, place, f" {median:.2f} s", va="center", fontsize=11)
    axes.set_xlim(0, max(medians) * 1.15)
    axes.set_xlabel("seconds (median)")
    title = "One training epoch of the document's network, 60,000 images"
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "epoch.png", dpi=100)
    print("written: benchmarks/results/epoch.png")


if __name__ == "__main__":
    main()
