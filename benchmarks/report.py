"""Write the READMEs' tables and the picture of the race from benchmarks/results/*.json.

    python benchmarks/report.py

The READMEs and the pages on speed, on several machines and on the page get their tables between
their `<!-- benchmarks -->` marks; nothing else is touched. A result of another question than the
table's (fewer images, one contender) is refused, and nothing is written.
"""

from __future__ import annotations

import json
import re
from statistics import median
from typing import Any

from common import HERE, RESULTS
from contenders import CONTENDERS
from cost import BATCHES as SHARED
from cost import rows as shared_rows
from shared_tables import overlap, same_bits
from steps import BATCHES

MARK = "<!-- benchmarks -->"
# The other batch sizes are in results/steps.json.
SHOWN = [("train", 60), ("train", 64), ("infer", 1), ("infer", 60), ("infer", 64)]
APART = ("undetermined", "fell_short")
ENGLISH = {
    "epoch": "One training epoch of the document's network ({samples:,} images, batch {batch})",
    "columns": "| | seconds (min – max) | npcnn is faster by |",
    "steps": "| training step / inference | batch | npcnn | PyTorch (faster form) | ratio |",
    "train": "{network}, training",
    "infer": "{network}, inference",
    "start": "| | import | first step, cold | first step, warm | on disk |",
    "peak": "Peak memory of a training run on MNIST, validation included: {cold:.0f} MB cold, "
    "{warm:.0f} MB warm.",
    "accuracy": "| 25 epochs | seeds | val_accuracy, mean ± deviation | min – max |",
    "machine": "{cpu}, {threads} threads; {versions}. Medians; contenders in alternation.",
    "warm": "Cold: nothing cached. From process start, seconds. ",
    "ops": "| op | µs | GFLOP/s | of the measured peak |",
    "profile": "{threads} threads, batch {batch}; measured peak {peak:.0f} GFLOP/s; one by one "
    "{one:.0f} µs, as a step {step:.0f} µs. Medians.",
    "scaling": "A 3×3 layer's time as batch, channels and image grow",
    "shared race": "| Conv32–Conv64, batch 256 | milliseconds a step (min – max) |",
    "shared local": "| ranks (* more than cores) | bits | ms a step | waiting | predicted "
    "| MB sent |",
    "shared overlap": "| Small VGG, two ranks: wire | batch | shards | bits | ms a step, without → "
    "with overlap | waiting | MB sent |",
    "shared bits": "| backend | MPI | pictures | ranks | sha256 of weights | of history |",
    "killed": "{} until one was killed (all ended in {:.1f} s), then {}",
    "shared pay": "| network | wire | batch {} | batch {} | batch {} |",
    "one": "one",
    "page": "| An epoch of {pictures:,} pictures alone | with a page that looks on | a stroke is "
    "answered after | the file of the document's network | opens from disk in |",
    "augmentation": "| 12,000 pictures, the document's network, two threads "
    "| turned, zoomed, sheared, shifted | also bent, and with a rectangle cut out |",
    "agreement": "| random networks | as Keras | not determined by Keras | otherwise |",
    "apart": "Largest differences, by max(1, |value|): outputs {before:.1g}; after three epochs "
    "losses and metrics {history:.1g}, weights {weights:.1g}, optimizers' state {state:.1g}. "
    "Keras read {files} files of npcnn's and npcnn as many of Keras's, weights to the same bits. "
    "Keras {version} on {backends}.",
}
CHINESE = {
    "epoch": "文中网络训练一个 epoch（{samples:,} 张图片，批大小 {batch}）",
    "columns": "| | 秒（最小 – 最大） | npcnn 快几倍 |",
    "steps": "| 训练一步 / 推理 | 批大小 | npcnn | PyTorch（较快的形式） | 倍数 |",
    "train": "{network}，训练",
    "infer": "{network}，推理",
    "start": "| | 导入 | 第一步（无缓存） | 第一步（有缓存） | 磁盘占用 |",
    "peak": "在 MNIST 上完整训练（含验证）的内存峰值：冷启动 {cold:.0f} MB，热启动 {warm:.0f} MB。",
    "accuracy": "| 25 个 epoch | 种子数 | val_accuracy 均值 ± 标准差 | 最小 – 最大 |",
    "machine": "{cpu}，{threads} 线程；{versions}。取中位数，各框架交替运行。",
    "warm": "无缓存：没有任何已编译的内核。自进程启动起，单位秒。",
    "ops": "| 运算 | 微秒 | GFLOP/s | 占实测峰值 |",
    "profile": "{threads} 线程，批大小 {batch}；实测峰值 {peak:.0f} GFLOP/s；"
    "逐个执行共 {one:.0f} 微秒，作为一步 {step:.0f} 微秒。取中位数。",
    "scaling": "批大小、通道数、图片尺寸增大时，一个 3×3 卷积层的耗时",
    "shared race": "| Conv32–Conv64，批大小 256 | 每步毫秒（最小 – 最大） |",
    "shared local": "| rank 数（* 多于核心） | 逐位 | 每步毫秒 | 等待 | 预测 | 发送 MB |",
    "shared overlap": "| Small VGG，两个 rank：网线 | 批 | 分片 | 逐位 | 每步毫秒，无重叠 → 有重叠 "
    "| 等待 | 发送 MB |",
    "shared bits": "| 后端 | MPI | 图片 | rank 数 | 权重的 sha256 | 历史的 sha256 |",
    "killed": "{} 个，直至其一被杀（{:.1f} 秒内全部结束），然后 {} 个",
    "shared pay": "| 网络 | 网线 | 批 {} | 批 {} | 批 {} |",
    "one": "一个",
    "page": "| {pictures:,} 张图片的一轮 | 有网页看着 | 一笔之后多快得到回答 "
    "| 文中网络的文件 | 从磁盘打开 |",
    "augmentation": "| 12,000 张图片，文中网络，两个线程 | 旋转、缩放、剪切、平移 "
    "| 再加弯曲，并挖去一个矩形 |",
    "agreement": "| 随机网络 | 与 Keras 一致 | Keras 自身不确定 | 其他 |",
    "apart": "最大差异（除以 max(1, |值|)）：输出 {before:.1g}；三个 epoch 之后，"
    "损失与指标 {history:.1g}，权重 {weights:.1g}，优化器状态 {state:.1g}。"
    "Keras 读入了 {files} 个 npcnn 的文件，npcnn 也读入了同样多的 Keras 文件，权重逐位相同。"
    "Keras {version}，后端 {backends}。",
}


def main() -> None:
    check()
    for ending, words in (("", ENGLISH), (".zh-CN", CHINESE)):
        write(
            f"README{ending}.md",
            [part(words) for part in (epoch, steps, start, accuracy, agreement)],
        )
        write(f"docs/speed{ending}.md", [ops(words), scaling(words)])
        write(f"docs/distributed{ending}.md", shared(words, load("distributed")))
        write(f"docs/page{ending}.md", [page(words, load("page_cost"))])
        write(f"docs/augmentation{ending}.md", [augmentation(words, load("augmentation"))])
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


def check() -> None:
    """Leave if a result answers another question than its table asks."""
    whole_race = {"samples": 60_000, "batch_size": 60, "contenders": sorted(CONTENDERS)}
    three = sorted(["npcnn", "torch-fast", "keras"])
    every_step = sorted((n, b, k) for n in BATCHES for b in BATCHES[n] for k in ("infer", "train"))
    for name, expected, found in (
        ("epoch", whole_race, lambda r: {**r, "contenders": sorted(r["seconds"])}),
        ("steps", {"rows": every_step}, lambda r: {"rows": raced(r["rows"])}),
        ("startup", {"contenders": three}, lambda r: {"contenders": sorted(r["import"])}),
        ("op_profile", {"batch": 60}, lambda r: r["profiles"][-1]),
        ("accuracy", {"contenders": ["keras", "npcnn"]}, lambda r: {"contenders": in_full(r)}),
        ("random_networks", {"networks": 200, "first_seed": 0}, lambda r: r),
    ):
        result = load(name)
        if result is None:
            continue
        own = found(result)
        for key, value in expected.items():
            if own[key] != value or result.get("other"):
                raise SystemExit(
                    f"report.py: expected {key} {value} in results/{name}.json, got {own[key]}; "
                    f"run benchmarks/{name}.py without arguments. Nothing is written."
                )


def raced(rows: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Return which steps were timed for npcnn and for both forms of PyTorch."""
    all_three = {"npcnn", "torch", "torch-fast"}
    return sorted(
        (r["network"], r["batch"], r["kind"]) for r in rows if set(r["seconds"]) == all_three
    )


def in_full(result: dict[str, Any]) -> list[str]:
    """Return whose accuracy after the document's 25 epochs is there."""
    ends = ", epochs 25"
    return sorted(k.removesuffix(ends) for k in result["summary"] if k.endswith(ends))


def load(name: str) -> dict[str, Any] | None:
    """Return one result file, or None if that question was not asked yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def shared(words: dict[str, str], result: dict[str, Any] | None) -> list[str]:
    """Return the tables of several processes: raced, on this machine, and how many would pay."""
    if result is None:
        return []
    race = [words["shared race"], "|---|---|"]
    for name, took in result["race"].items():
        values = [f"{took[key] * 1e3:.1f}" for key in ("median", "min", "max")]
        race.append(f"| {name} | {values[0]} ({values[1]} – {values[2]}) |")
    local = [words["shared local"], "|---|---|---|---|---|---|"]
    for row in result["local"]:
        mark = "*" if row["oversubscribed"] else ""
        same = "=" if row["same_bits"] else "≠"
        times = [f"{row[key] * 1e3:.1f}" for key in ("seconds", "waited", "predicted")]
        cells = [f"{row['ranks']}{mark}", same, *times, f"{row['bytes'] / 1e6:.2f}"]
        local.append(f"| {' | '.join(cells)} |")
    paying = [words["shared pay"].format(*SHARED), "|---|---|---|---|---|"]
    for name, wire, cells in shared_rows(result["samples"]):
        texts = [
            (words["one"] if ranks == 1 else f"{ranks}, ×{faster:.0f}") + f" ({overlapped})"
            for ranks, overlapped, faster in cells
        ]
        paying.append(f"| {name} | {wire} | {' | '.join(texts)} |")
    more = [overlap(words, load("overlap")), same_bits(words, load("same_bits"))]
    return ["\n".join(part) for part in (race, local, paying)] + [conditions(words, result), *more]


def page(words: dict[str, str], result: dict[str, Any] | None) -> str:
    """Return the table of what the page costs."""
    if result is None or result.get("other"):
        return ""
    alone, watched = result["epoch"]["alone"], result["epoch"]["page"]
    row = (
        f"| {alone['median']:.2f} s | {watched['median']:.2f} s (+{result['page_share']:.1%}) "
        f"| {result['stroke_ms']['median']:.0f} ms | {result['file_bytes'] / 1e6:.2f} MB "
        f"| {result['open_s']['median']:.2f} s |"
    )
    return f"{words['page'].format(**result)}\n|---|---|---|---|---|\n{row}"


def augmentation(words: dict[str, str], result: dict[str, Any] | None) -> str:
    """Return the table of what augmentation adds to a step."""
    if result is None or result.get("other"):
        return ""
    row = "|"
    for name in ("without", "affine", "all"):
        times = result["seconds"][name]
        more = f", +{result['shares'][name]:.1%}" if name in result["shares"] else ""
        row += f" {median(times):.3f} s ({min(times):.3f} – {max(times):.3f}){more} |"
    return f"{words['augmentation']}\n|---|---|---|\n{row}\n\n{result['machine']['cpu']}."


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
    title = words["epoch"].format(batch=result["batch_size"], samples=result["samples"])
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
        kind = words[row["kind"]].format(network=row["network"])
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
    peak = words["peak"].format(**result["peak_mb"])
    return "\n".join(rows) + f"\n\n{words['warm']}{peak}"


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


def agreement(words: dict[str, str]) -> str:
    """Return the table of random networks that come out as in Keras."""
    result = load("random_networks")
    if result is None:
        return ""
    counts = (result["networks"], result["agree"], *(len(result[key]) for key in APART))
    row = "| " + " | ".join(str(count) for count in counts) + " |"
    backends = result["keras_backends"]
    far = {
        key: max(result["worst_difference"].get(f"{name}, {key}", 0.0) for name in backends)
        for key in ("before", "history", "weights", "state")
    }
    told = words["apart"].format(
        files=result["files"], version=result["keras"], backends=" / ".join(backends), **far
    )
    return f"{words['agreement']}\n|---|---|---|---|\n{row}\n\n{told}"


def ops(words: dict[str, str]) -> str:
    """Return the table of a training step's ops, on all threads that were measured."""
    result = load("op_profile")
    if result is None:
        return ""
    profile = result["profiles"][-1]
    rows = [words["ops"], "|---|---|---|---|"]
    for row in profile["ops"]:
        rate = f"{row['gflops']:.0f} | {row['share_of_peak']:.0%}" if row["gflops"] else "|"
        rows.append(f"| {row['op']} | {row['microseconds']:.1f} | {rate} |")
    about = words["profile"].format(
        threads=profile["threads"], batch=profile["batch"],
        peak=profile["peak_gflops"], step=profile["step_microseconds"],
        one=profile["sum_microseconds"],
    )  # fmt: skip
    return "\n".join(rows) + f"\n\n{about}"


def scaling(words: dict[str, str]) -> str:
    """Return the picture of the cost as the work grows."""
    if load("scaling") is None:
        return ""
    return f"![{words['scaling']}](../benchmarks/results/scaling.png)"


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
    for place, middle in enumerate(medians):
        axes.text(middle, place, f" {middle:.2f} s", va="center", fontsize=11)
    axes.set_xlim(0, max(medians) * 1.15)
    axes.set_xlabel("seconds (median)")
    title = f"One training epoch of the document's network, {result['samples']:,} images"
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "epoch.png", dpi=100)
    print("written: benchmarks/results/epoch.png")


if __name__ == "__main__":
    main()
