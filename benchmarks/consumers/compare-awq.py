#!/usr/bin/env python3
"""Unpacks an AWQ folder in Python, as AutoAWQ does, and compares it with what logits.ts wrote.

    python compare-awq.py FOLDER OURS RESULT [PACKING_UTILS]

FOLDER is what `compress run` wrote with `format: awq`; OURS the folder that logits.ts wrote; RESULT the text file that is written. AutoAWQ 0.2.9 imports neither
without a GPU's Triton nor with today's transformers, so of it `awq/utils/packing_utils.py` alone is loaded, which is plain torch: from PACKING_UTILS or from where
it is installed. On the CPU:

  weights            AutoAWQ's `dequantize_gemm` of each layer, scales given to it in f32: must equal ours bit for bit
  its weights, f32   these in transformers' ordinary forward pass

Exits with 1 if they do not agree.
"""
import importlib.util
import json
import math
import platform
import sys
from importlib.metadata import version

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

# Relative to the largest |logit|.
LOGITS, PERPLEXITY = 1e-3, 1e-3

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
ours = load_file(f"{ours}/model.safetensors")
tokens = ours["tokens"].long()
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]
stored = load_file(f"{folder}/model.safetensors")


def packing_utils():
    if len(sys.argv) > 4:
        path, release = sys.argv[4], "0.2.9"
    else:
        path, release = importlib.util.find_spec("awq").submodule_search_locations[0] + "/utils/packing_utils.py", version("autoawq")
    spec = importlib.util.spec_from_file_location("packing_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, release


def perplexity(logits):
    return math.exp(torch.nn.functional.cross_entropy(logits[:-1].double(), tokens[1:]).item())


library, release = packing_utils()
failures = 0
lines = [
    f"Python {platform.python_version()}, torch {version('torch')}, transformers {version('transformers')}, autoawq {release}",
    f"{settings['bits']} bits, group size {settings['group_size']}, {settings['version']}; {len(tokens)} tokens",
]
prefixes = [name.removesuffix(".qweight") for name in stored if name.endswith(".qweight")]
assert prefixes, "nothing in this folder is quantized"
weights, differing = {}, 0
for prefix in prefixes:
    qweight, qzeros, scales = (stored[f"{prefix}.{part}"] for part in ("qweight", "qzeros", "scales"))
    group = qweight.shape[0] if settings["group_size"] == -1 else settings["group_size"]
    weights[f"{prefix}.weight"] = library.dequantize_gemm(qweight, qzeros, scales.float(), settings["bits"], group).T.contiguous()
    differing += (weights[f"{prefix}.weight"] != ours[f"{prefix}.weight"]).sum().item()
failures += differing > 0
lines.append(f"{f'{len(prefixes)} weights':20} {differing} elements differ   {'agree' if differing == 0 else 'DISAGREE'}")

config = AutoConfig.from_pretrained(folder)
del config.quantization_config
plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
floats = {name: value.float() for name, value in stored.items() if not name.endswith((".qweight", ".qzeros", ".scales"))}
missing, unexpected = plain.load_state_dict(floats | weights, strict=False)
plain.tie_weights()
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
logits = plain(tokens[None]).logits[0]
difference = (logits - ours["logits"]).abs().max().item()
largest = ours["logits"].abs().max().item()
mine, theirs = perplexity(ours["logits"]), perplexity(logits)
agree = difference <= LOGITS * largest and abs(theirs / mine - 1) <= PERPLEXITY
failures += not agree
lines.append(f"{'its weights, f32':20} max |difference| {difference:.6f} of {largest:.2f}   perplexity {theirs:.4f}, ours {mine:.4f}   {'agree' if agree else 'DISAGREE'}")

with open(result, "w", encoding="utf8") as file:
    file.write("\n".join(lines) + "\n")
print(*lines, sep="\n")
sys.exit(1 if failures else 0)
