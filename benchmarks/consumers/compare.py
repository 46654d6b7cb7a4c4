#!/usr/bin/env python3
"""Loads a GPTQ folder in Python, as its users will, and compares it with what logits.ts wrote.

    python compare.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: gptq`; OURS the folder that logits.ts wrote; RESULT the text file that is written. Three ways to load it, all on the CPU:

  GPTQModel, f16               GPTQModel.load with its torch kernel, f16 throughout
  transformers, f16            AutoModelForCausalLM.from_pretrained, the same kernel by way of optimum
  GPTQModel's weights, f32     what that kernel dequantizes to, in transformers' own f32 forward pass

The kernel multiplies (code - zero) and scale in f16; so the weights must agree with ours to half a unit of f16, the logits to what that
and f16 sums make of it, and the perplexity to a thousandth. Exits with 1 if they do not.
"""
import importlib.metadata
import json
import math
import os
import platform
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from gptqmodel import BACKEND, GPTQModel
from gptqmodel.nn_modules.qlinear import BaseQuantLinear
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, GPTQConfig

# Half a unit in the last place of f16 (11 bits), and a subnormal's.
WEIGHT_RELATIVE, WEIGHT_ABSOLUTE = 2**-11, 2**-25
# Relative to the largest |logit|: f16 everywhere, and f16 in the weights alone.
LOGITS_F16, LOGITS_F32 = 4e-3, 1e-3
PERPLEXITY = 1e-3

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
ours = load_file(f"{ours}/model.safetensors")
tokens = ours["tokens"].long()
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]


def perplexity(logits):
    return math.exp(torch.nn.functional.cross_entropy(logits[:-1].double(), tokens[1:]).item())


failures = 0
lines = []


def compare(name, logits, tolerance):
    global failures
    difference = (logits - ours["logits"]).abs().max().item()
    largest = ours["logits"].abs().max().item()
    mine, theirs = perplexity(ours["logits"]), perplexity(logits)
    agree = difference <= tolerance * largest and abs(theirs / mine - 1) <= PERPLEXITY
    failures += not agree
    lines.append(f"{name:26} max |difference| {difference:.6f} of {largest:.2f}   perplexity {theirs:.4f}, ours {mine:.4f}   {'agree' if agree else 'DISAGREE'}")


def dequantized(model):
    return {f"{name}.weight": m.dequantize_weight().T.float() for name, m in model.named_modules() if isinstance(m, BaseQuantLinear)}


versions = [f"{p} {importlib.metadata.version(p)}" for p in ("torch", "transformers", "gptqmodel", "optimum")]
lines.append(", ".join([f"Python {platform.python_version()}", *versions]))
lines.append(f"{settings['bits']} bits, group size {settings['group_size']}, {'symmetric' if settings['sym'] else 'asymmetric'}, {settings['checkpoint_format']}; {len(tokens)} tokens")

model = GPTQModel.load(folder, device="cpu", dtype=torch.float16, backend=BACKEND.GPTQ_TORCH).model
compare("GPTQModel, f16", model(tokens[None]).logits[0].float(), LOGITS_F16)
weights = dequantized(model)
state = {name: value.float() for name, value in model.state_dict().items() if value.is_floating_point() and f"{name.rsplit('.', 1)[0]}.weight" not in weights}

assert weights, "nothing in this folder is quantized"
worst, beyond = 0.0, 0
for name, theirs in weights.items():
    error = (theirs - ours[name]).abs()
    worst = max(worst, error.max().item())
    beyond += (error > WEIGHT_RELATIVE * ours[name].abs() + WEIGHT_ABSOLUTE).sum().item()
failures += beyond > 0
lines.append(f"{len(weights)} weights{'':16} max |difference| {worst:.3g}, {beyond} elements farther than f16 rounding   {'agree' if beyond == 0 else 'DISAGREE'}")

backend = GPTQConfig(bits=settings["bits"], group_size=settings["group_size"], sym=settings["sym"], backend="gptq_torch")
model = AutoModelForCausalLM.from_pretrained(folder, device_map="cpu", dtype=torch.float16, quantization_config=backend)
compare("transformers, f16", model(tokens[None]).logits[0].float(), LOGITS_F16)

config = AutoConfig.from_pretrained(folder)
del config.quantization_config
plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
missing, unexpected = plain.load_state_dict(state | weights, strict=False)
plain.tie_weights()
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
compare("GPTQModel's weights, f32", plain(tokens[None]).logits[0], LOGITS_F32)

with open(result, "w", encoding="utf8") as file:
    file.write("\n".join(lines) + "\n")
print(*lines, sep="\n")
sys.exit(1 if failures else 0)
