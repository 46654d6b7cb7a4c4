#!/usr/bin/env python3
"""Has llama.cpp's converter make a GGUF file of a folder, and compares what that holds with what logits.ts wrote of the folder.

    python compare-llama-cpp-converter.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: dense`, `gptq` or `compressed-tensors`, activations in floats; OURS the folder that logits.ts wrote; RESULT the text file that is written. The converter,
`convert_hf_to_gguf.py`, is that of the release that node-llama-cpp holds as a git bundle. It decodes the codes itself, with `--outtype f32`, and asks for a
tokenizer that it knows by its hash: SmolLM2's, and not the demo model's. What it wrote is read by transformers, on the CPU:

  weights          those of the Linears: must equal ours bit for bit
  its file, f32    the logits of that model

Exits with 1 if they do not agree.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from comparison import Comparison

# Relative to the largest |logit|: the order of sums alone.
LOGITS = 1e-4
BUNDLE = Path(__file__).parent.parent / "node_modules/node-llama-cpp/llama"

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
settings = json.load(open(f"{folder}/config.json", encoding="utf8")).get("quantization_config", {})
release = json.load(open(BUNDLE / "llama.cpp.info.json", encoding="utf8"))["tag"]
told = [str(settings[key]) for key in ("quant_method", "checkpoint_format", "format", "bits") if key in settings]
comparison = Comparison(ours, ["torch", "transformers", "gguf", f"llama.cpp {release}"], " ".join(told) or "dense")
with tempfile.TemporaryDirectory() as work:
    subprocess.run(["git", "clone", "--quiet", "--config", "advice.detachedHead=false", BUNDLE / "gitRelease.bundle", f"{work}/llama.cpp"], check=True)
    converter = f"{work}/llama.cpp/convert_hf_to_gguf.py"
    converted = subprocess.run([sys.executable, converter, folder, "--outtype", "f32", "--outfile", f"{work}/model.gguf"])
    if converted.returncode != 0:
        sys.exit(f"error: llama.cpp's converter does not take {folder}; the end of what it says above is why")
    model = AutoModelForCausalLM.from_pretrained(work, gguf_file="model.gguf", dtype=torch.float32).eval()
theirs = model.state_dict()
differing = sum((theirs[name].numpy() != weight).sum().item() for name, weight in comparison.weights.items())
comparison.judge(f"{len(comparison.weights)} weights", differing == 0, f"{differing} elements differ")
comparison.compare("its file, f32", model(torch.from_numpy(comparison.tokens)[None]).logits[0], LOGITS)
comparison.finish(result)
