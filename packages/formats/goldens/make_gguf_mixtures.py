"""Makes gguf-mixtures.json: which type llama.cpp's own quantizer gives each matrix.

    python make_gguf_mixtures.py PATH/TO/linux-x64

Needs numpy and gguf (made with 0.19.0) and llama.cpp's shared libraries: @node-llama-cpp/linux-x64 carries them (bins/linux-x64; made with
those of 3.22.1, llama.cpp v0.5.0). Models of zeros with the shapes below go through llama_model_quantize once for each mixture.

For each model and mixture and each part of a block: the type that all layers have, or those of the layers with spaces between.
"""

import ctypes
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter, TokenType

FTYPES = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k_s": 11, "q3_k_m": 12, "q3_k_l": 13, "q4_k_s": 14}
FTYPES |= {"q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18, "iq4_nl": 25, "tq1_0": 36, "tq2_0": 37}
MODELS = [
    {"layers": 32, "hidden": 256, "intermediate": 512, "heads": 8, "kvHeads": 2, "tied": False},
    {"layers": 30, "hidden": 288, "intermediate": 512, "heads": 9, "kvHeads": 3, "tied": True},
    {"layers": 5, "hidden": 256, "intermediate": 768, "heads": 4, "kvHeads": 2, "tied": True},
]
VOCABULARY = 64


def write(path, m):
    writer = GGUFWriter(path, "llama")
    dim = m["hidden"] // m["heads"]
    writer.add_block_count(m["layers"])
    writer.add_context_length(64)
    writer.add_embedding_length(m["hidden"])
    writer.add_feed_forward_length(m["intermediate"])
    writer.add_head_count(m["heads"])
    writer.add_head_count_kv(m["kvHeads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(1)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(VOCABULARY)])
    writer.add_token_types([TokenType.NORMAL] * VOCABULARY)
    writer.add_token_merges(["t 1"])
    matrix = lambda name, rows, columns: writer.add_tensor(f"{name}.weight", np.zeros((rows, columns), np.float16))
    norm = lambda name: writer.add_tensor(f"{name}.weight", np.ones(m["hidden"], np.float32))
    matrix("token_embd", VOCABULARY, m["hidden"])
    norm("output_norm")
    if not m["tied"]:
        matrix("output", VOCABULARY, m["hidden"])
    for layer in range(m["layers"]):
        block = f"blk.{layer}."
        norm(block + "attn_norm")
        norm(block + "ffn_norm")
        matrix(block + "attn_q", m["hidden"], m["hidden"])
        matrix(block + "attn_k", m["kvHeads"] * dim, m["hidden"])
        matrix(block + "attn_v", m["kvHeads"] * dim, m["hidden"])
        matrix(block + "attn_output", m["hidden"], m["hidden"])
        matrix(block + "ffn_gate", m["intermediate"], m["hidden"])
        matrix(block + "ffn_up", m["intermediate"], m["hidden"])
        matrix(block + "ffn_down", m["hidden"], m["intermediate"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Parameters(ctypes.Structure):
    """The first two fields of llama_model_quantize_params, and room for the rest."""

    _fields_ = [("nthread", ctypes.c_int32), ("ftype", ctypes.c_int32), ("rest", ctypes.c_byte * 248)]


libraries = Path(sys.argv[1])
ctypes.CDLL(str(libraries / "libggml-base.so"), ctypes.RTLD_GLOBAL)
ggml = ctypes.CDLL(str(next(libraries.glob("libggml.v*.so"))), ctypes.RTLD_GLOBAL)
ggml.ggml_backend_load_all_from_path(str(libraries).encode())
llama = ctypes.CDLL(str(next(libraries.glob("libllama.v*.so"))))
llama.llama_model_quantize_default_params.restype = Parameters
llama.llama_model_quantize.restype = ctypes.c_uint32


def mixture(source, ftype, folder):
    target = folder / "quantized.gguf"
    parameters = llama.llama_model_quantize_default_params()
    parameters.nthread, parameters.ftype = 1, ftype
    if llama.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)) != 0:
        return None
    types = {}
    for tensor in sorted(GGUFReader(target).tensors, key=lambda t: int((t.name.split(".") + ["0"])[1]) if t.name[0] == "b" else 0):
        if "norm" not in tensor.name:
            types.setdefault(tensor.name.split(".")[-2], []).append(tensor.tensor_type.name)
    return {part: list[0] if len(set(list)) == 1 else " ".join(list) for part, list in types.items()}


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    result = []
    for model in MODELS:
        write(folder / "model.gguf", model)
        result.append({**model, "mixtures": {key: mixture(folder / "model.gguf", f, folder) for key, f in FTYPES.items()}})
text = json.dumps(result)
Path(__file__).with_name("gguf-mixtures.json").write_text(text + "\n")
