#!/usr/bin/env python3
"""Loads a dense folder with transformers, as its users will, and compares it with what logits.ts wrote.

    python compare-dense.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: dense`, in one file or in many; OURS the folder that logits.ts wrote; RESULT the text file that is written. On the CPU:

  weights                 those of the Linears, in the model that from_pretrained made: must equal ours bit for bit
  from_pretrained, f32    the logits of that model, whose dtype is widened to f32

Exits with 1 if they do not agree, or if transformers leaves a tensor of the file unused or a parameter unset.
"""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM

from comparison import Comparison

# Relative to the largest |logit|: the order of sums alone.
LOGITS = 1e-4

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
config = json.load(open(f"{folder}/config.json", encoding="utf8"))
files = sum(name.endswith(".safetensors") for name in os.listdir(folder))
subject = f"{config.get('dtype') or config.get('torch_dtype')}, {files} {'file' if files == 1 else 'files'}"
comparison = Comparison(ours, ["torch", "transformers"], subject)
model, loading = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
theirs = model.eval().state_dict()
differing = sum((theirs[name].numpy() != weight).sum().item() for name, weight in comparison.weights.items())
comparison.judge(f"{len(comparison.weights)} weights", differing == 0, f"{differing} elements differ")
comparison.compare("from_pretrained, f32", model(torch.from_numpy(comparison.tokens)[None]).logits[0], LOGITS)
unused = sorted(str(key) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in loading.get(kind, []))
if unused:
    comparison.judge("not matched", False, ", ".join(unused))
comparison.finish(result)
