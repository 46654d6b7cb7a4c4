#!/usr/bin/env python3
"""Loads an MLX folder with mlx-lm, as its users will, and compares it with what logits.ts wrote.

    python compare-mlx.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: mlx`; OURS the folder that logits.ts wrote; RESULT the text file that is written. With MLX's CPU backend:

  weights        what mx.dequantize makes of each layer, scales and offsets given to it in f32: must equal ours bit for bit
  mlx-lm, f32    mlx_lm.load, floats and scales cast to f32, and its forward pass

Exits with 1 if they do not agree.
"""
import importlib.metadata
import json
import math
import platform
import sys

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_map
from mlx_lm.utils import load_model
from pathlib import Path

# Relative to the largest |logit|.
LOGITS, PERPLEXITY = 1e-3, 1e-3

mx.set_default_device(mx.cpu)
folder, ours, result = sys.argv[1:4]
ours = mx.load(f"{ours}/model.safetensors")
tokens = ours["tokens"]
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization"]
versions = [f"{p} {importlib.metadata.version(p)}" for p in ("mlx", "mlx-lm")]
lines = [", ".join([f"Python {platform.python_version()}", *versions]), f"{settings['mode']}, {settings['bits']} bits, group size {settings['group_size']}; {tokens.size} tokens"]
failures = 0


def perplexity(logits):
    values = np.array(logits, dtype=np.float64)[:-1]
    chosen = values[np.arange(len(values)), np.array(tokens)[1:]]
    return math.exp(np.mean(np.log(np.exp(values - values.max(-1, keepdims=True)).sum(-1)) + values.max(-1) - chosen))


model, _ = load_model(Path(folder))
model.update(tree_map(lambda p: p.astype(mx.float32) if mx.issubdtype(p.dtype, mx.floating) else p, model.parameters()))
layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.QuantizedLinear)}
assert layers, "nothing in this folder is quantized"
differing = 0
for name, m in layers.items():
    weight = mx.dequantize(m.weight, m.scales, m.get("biases"), group_size=m.group_size, bits=m.bits, mode=m.mode)
    differing += (weight.astype(mx.float32) != ours[f"{name}.weight"]).sum().item()
failures += differing > 0
lines.append(f"{f'{len(layers)} weights':20} {differing} elements differ   {'agree' if differing == 0 else 'DISAGREE'}")

logits = model(tokens[None].astype(mx.int32))[0].astype(mx.float32)
difference = mx.abs(logits - ours["logits"]).max().item()
largest = mx.abs(ours["logits"]).max().item()
mine, theirs = perplexity(ours["logits"]), perplexity(logits)
agree = difference <= LOGITS * largest and abs(theirs / mine - 1) <= PERPLEXITY
failures += not agree
lines.append(f"{'mlx-lm, f32':20} max |difference| {difference:.6f} of {largest:.2f}   perplexity {theirs:.4f}, ours {mine:.4f}   {'agree' if agree else 'DISAGREE'}")

with open(result, "w", encoding="utf8") as file:
    file.write("\n".join(lines) + "\n")
print(*lines, sep="\n")
sys.exit(1 if failures else 0)
