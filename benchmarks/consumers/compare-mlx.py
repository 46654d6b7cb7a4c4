#!/usr/bin/env python3
"""Loads an MLX folder with mlx-lm, as its users will, and compares it with what logits.ts wrote.

    python compare-mlx.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: mlx`; OURS the folder that logits.ts wrote; RESULT the text file that is written. With MLX's CPU backend:

  weights        what mx.dequantize makes of each layer, scales and offsets given to it in f32: must equal ours bit for bit
  mlx-lm, f32    mlx_lm.load, floats and scales cast to f32, and its forward pass

Exits with 1 if they do not agree.
"""
import json
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_map
from mlx_lm.utils import load_model

from comparison import Comparison

# Relative to the largest |logit|.
LOGITS = 1e-3

mx.set_default_device(mx.cpu)
folder, ours, result = sys.argv[1:4]
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization"]
comparison = Comparison(ours, ["mlx", "mlx-lm"], f"{settings['mode']}, {settings['bits']} bits, group size {settings['group_size']}")

model, _ = load_model(Path(folder))
model.update(tree_map(lambda p: p.astype(mx.float32) if mx.issubdtype(p.dtype, mx.floating) else p, model.parameters()))
layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.QuantizedLinear)}
assert layers, "nothing in this folder is quantized"
differing = 0
for name, m in layers.items():
    weight = mx.dequantize(m.weight, m.scales, m.get("biases"), group_size=m.group_size, bits=m.bits, mode=m.mode)
    differing += (np.array(weight.astype(mx.float32)) != comparison.weights[f"{name}.weight"]).sum().item()
comparison.judge(f"{len(layers)} weights", differing == 0, f"{differing} elements differ")
comparison.compare("mlx-lm, f32", model(mx.array(comparison.tokens.astype(np.int32))[None])[0].astype(mx.float32), LOGITS)
comparison.finish(result)
