"""What Keras has and npcnn does not mean to have, and why: one table, for messages and the docs."""

from __future__ import annotations

import re

_ROWS = "npcnn is for pictures: sequences, signals and volumes have no layers here"
_TEXT = "npcnn is for pictures: turn text and categories into numbers before"
_OTHERS = "code and files of other libraries do not run here"
_LARGE = "it is for models far larger than those that npcnn is for"
_OPS = "use npcnn.ops, or NumPy's functions of the same names"
_WEIGHTS = "no weights are shipped; build the network from layers, or load a .keras file of it"
_DEVICES = "there is one processor and one process to compute on"
_FETCH = "fetch it with urllib.request.urlretrieve"
_LEGACY = "take the optimizer of that name itself, such as optimizers.Adam"
_DOT = "utils.plot_model draws a model without Graphviz"
_SEND = "send it from a LambdaCallback of your own"
_GRAPHS = "there is no graph of a framework behind npcnn to be set up"
_TYPES = "a model computes in float32 or float64: Sequential(dtype=…), config.set_floatx"
_SLOPES = "gradients are npcnn's: override compute_loss(), or call train_on_batch() in a loop"
_FEED = "fit takes arrays, generators, and whatever yields batches again and again"
_PLAIN = "leave it out: steps are compiled by themselves"
_BOXES = "npcnn tells what is in a picture, not where"

# Reason → module → names, as a regular expression. What is in no row is 'not yet'.
_TABLE: dict[str, dict[str, str]] = {
    _ROWS: {
        "layers": r".*(1D|3D|RNN|LSTM|GRU)\w*|Bidirectional|TimeDistributed|Masking"
        "|.*Spectrogram",
        "initializers": "STFT|STFTInitializer|stft",
        "losses": "CTC|ctc",
        "utils": "audio_dataset.*|timeseries_.*",
        "preprocessing": "sequence|timeseries_.*",
        "ops": "i?stft|i?r?fft2?|ctc_.*|extract_(sequences|patches_3d)|correlate",
    },
    _TEXT: {
        "layers": "Embedding|ReversibleEmbedding|Hash.*|.*Lookup|TextVectorization|Discretization"
        "|CategoryEncoding",
        "utils": "FeatureSpace|pad_sequences|text_dataset.*",
        "datasets": "imdb|reuters|boston_housing|california_housing",
        "preprocessing": "text|text_dataset.*",
    },
    _LARGE: {
        "layers": ".*Attention|EinsumDense",
        "optimizers": "Muon|Lamb|Adafactor|ScheduleFreeAdamW|MultiOptimizer|OptimizerMap",
        "callbacks": "OrbaxCheckpoint",
    },
    _OTHERS: {"layers": "FlaxLayer|JaxLayer|TFSMLayer|TorchModuleWrapper"},
    _BOXES: {"layers": "MaxNumBoundingBoxes", "utils": "bounding_boxes"},
    _FETCH: {"utils": "get_file"},
    _DOT: {"utils": "model_to_dot"},
    _SEND: {"callbacks": "RemoteMonitor"},
    _OPS: {
        "": "constant|cast|reduce_\\w+|argmax|one_hot|convert_to_tensor|shape|reshape|expand_dims"
        "|newaxis|nn|math|Tensor|image|square|abs|where|stack|concat|zeros|ones|matmul|range|float32",
        "backend": "(?!set_|get_|is_|clear|backend|count_|epsilon|floatx|image).*",
    },
    _WEIGHTS: {"": "applications"},
    _DEVICES: {"": "distribution|device"},
    _TYPES: {
        "": "mixed_precision|dtype_policies|DTypePolicy|FloatDTypePolicy|quantizers|Quantizer",
        "optimizers": "LossScaleOptimizer",
        "ops": "angle|imag|polar|view.*",
        "config": "(set_)?dtype_policy",
        ".*": "standardize_dtype|result_type|is_(float|int)_dtype",
    },
    _GRAPHS: {
        "": "StatelessScope|SymbolicScope|RematScope|remat|name_scope|Operation|Function|tree",
        "backend": "get_uid|set_session|get_session|function|learning_phase|set_learning_phase",
        "config": r".*(flash_attention|traceback_filtering|nnx|interactive_logging|unsafe_des)\w*"
        r"|set_backend|(set_)?max_(epochs|steps)\w*",
        "utils": ".*interactive_logging.*|get_source_inputs|legacy|Config",
    },
    _LEGACY: {"optimizers": "legacy"},
    _SLOPES: {"": "GradientTape|gradients"},
    _FEED: {"data": "Dataset|AUTOTUNE|experimental"},
    _PLAIN: {"": "function|jit"},
}  # fmt: skip

CHINESE = {
    _ROWS: "npcnn 只处理图片：没有序列、信号和体数据的层",
    _TEXT: "npcnn 只处理图片：请先把文本与类别变成数字",
    _OTHERS: "其他库的代码与文件不在此运行",
    _LARGE: "它用于比 npcnn 所面向的大得多的模型",
    _OPS: "请用 `npcnn.ops`，或 NumPy 的同名函数",
    _WEIGHTS: "不附带权重；请用层搭建网络，或读入其 `.keras` 文件",
    _DEVICES: "只在一个处理器、一个进程中计算",
    _FETCH: "请用 `urllib.request.urlretrieve` 下载",
    _LEGACY: "请直接用同名的优化器，如 `optimizers.Adam`",
    _DOT: "`utils.plot_model` 不需要 Graphviz 即可绘制模型",
    _SEND: "请在自己的 `LambdaCallback` 中发送",
    _GRAPHS: "npcnn 背后没有需要设置的框架计算图",
    _TYPES: "模型以 float32 或 float64 计算：`Sequential(dtype=…)`、`config.set_floatx`",
    _SLOPES: "梯度由 npcnn 求出：请覆盖 `compute_loss()`，或在循环中调用 `train_on_batch()`",
    _FEED: "`fit` 接受数组、生成器，以及任何可反复给出批次的对象",
    _PLAIN: "去掉即可：训练步会自行编译",
    _BOXES: "npcnn 说图片里是什么，而不说在哪里",
}


def reason(module: str, name: str) -> str | None:
    """Return why a module of npcnn's lacks a name that Keras's has; None if nothing is said of it.

    >>> reason("npcnn", "applications")
    'no weights are shipped; build the network from layers, or load a .keras file of it'
    >>> reason("npcnn.layers", "Conv2d")
    """
    room = module.removeprefix("npcnn").removeprefix(".").partition(".")[0]
    for why, rooms in _TABLE.items():
        for where, names in rooms.items():
            if re.fullmatch(where, room) and re.fullmatch(names, name):
                return why
    return None
