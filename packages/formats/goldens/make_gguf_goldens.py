"""Makes gguf-blocks.safetensors: rows of numbers, and what ggml makes of them.

    python make_gguf_goldens.py PATH/TO/libggml-base.so

Needs numpy, safetensors and gguf (made with gguf 0.19.0) and ggml's shared library: @node-llama-cpp/linux-x64 carries one
(bins/linux-x64/libggml-base.so; made with that of 3.22.1). Its C code encodes; Python's gguf, an implementation of its own, decodes.

`values` [R, 256] and `importance` [256] are F32; for each type, `TYPE` and `TYPE.importance` are the encoded rows, without and with the
importance matrix. The file's metadata has the sha256 of the f32 that Python reads in the first.
"""

import ctypes
import hashlib
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGML_QUANT_SIZES, quants
from safetensors.numpy import save_file

TYPES = "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL MXFP4 TQ1_0 TQ2_0".split()
COLUMNS = 256


def rows():
    rng = np.random.default_rng(20261124)
    normal = rng.normal(0, 0.05, (4, COLUMNS))
    heavy = 0.02 * rng.standard_t(3, (4, COLUMNS))
    outlier = rng.normal(0, 0.02, (2, COLUMNS))
    outlier[:, 77] = [1.5, -1.5]
    positive = rng.uniform(0.5, 1.5, (1, COLUMNS))
    negative = rng.normal(-0.3, 0.05, (1, COLUMNS))
    tiny = rng.normal(0, 1e-6, (1, COLUMNS))
    sparse = rng.normal(0, 0.05, (1, COLUMNS)) * (rng.random((1, COLUMNS)) < 0.3)
    runs = rng.normal(0, 0.05, (1, COLUMNS)) * np.repeat([1, 0, 0.01, 3, 0, 1, 0.2, 1], 32)
    ternary = 0.04 * rng.integers(-1, 2, (1, COLUMNS))
    return np.concatenate([normal, heavy, outlier, positive, negative, tiny, sparse, runs, ternary]).astype(np.float32)


ggml = ctypes.CDLL(sys.argv[1])
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
FLOATS = np.ctypeslib.ndpointer(np.float32, flags="C")


def encode(name, values, importance):
    elements, size = GGML_QUANT_SIZES[Type[name]]
    out = np.zeros((len(values), COLUMNS // elements * size), np.uint8)
    written = ggml.ggml_quantize_chunk(
        ctypes.c_int(Type[name]),
        values.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(0),
        ctypes.c_int64(len(values)),
        ctypes.c_int64(COLUMNS),
        None if importance is None else importance.ctypes.data_as(ctypes.c_void_p),
    )
    assert written == out.size, (name, written, out.size)
    return out


values = rows()
importance = np.exp(np.random.default_rng(7).normal(0, 1.5, COLUMNS)).astype(np.float32)
tensors = {"values": values, "importance": importance}
decoded = {}
for name in TYPES:
    plain = encode(name, values, None)
    tensors[name] = plain
    tensors[f"{name}.importance"] = encode(name, values, importance)
    numbers = quants.dequantize(plain, Type[name]).astype(np.float32)
    decoded[name] = hashlib.sha256(numbers.tobytes()).hexdigest()
save_file(tensors, Path(__file__).with_name("gguf-blocks.safetensors"), metadata=decoded)
