#!/usr/bin/env python3
"""Loads a GPTQ folder in Python, as its users will, and compares it with what logits.ts wrote.

    python compare.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: gptq`; OURS the folder that logits.ts wrote; RESULT the text file that is written. Three ways to load it, all on the CPU:

  GPTQModel, f16               GPTQModel.load with its torch kernel, f16 throughout
  transformers, f16            AutoModelForCausalLM.from_pretrained, the same kernel by way of optimum
  GPTQModel's weights, f32     what that kernel dequantizes to, in transformers' own f32 forward pass

The kernel multiplies (code - zero) and scale in f16; so the weights must agree with ours to half a unit of f16. What that rounding and f16 sums make of logits depends on the model (SmolLM2: 0.19 of 39
in f16), and says nothing of whether a reader understood the file. So logits are compared with those of transformers' own forward pass of the same precision, over our weights rounded as
the kernel rounds them: only the order of sums is left. How far that pass is from ours, in f32 over unrounded weights, is told beside it, and perplexities must agree with ours to a thousandth. Exits with 1 if
anything does not agree.
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
# Relative to the largest |logit|, of sums in another order: in f16, and in f32.
LOGITS_F16, LOGITS_F32 = 2e-3, 1e-4
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


def compare(name, logits, expected, tolerance):
    global failures
    difference = (logits - expected).abs().max().item()
    rounding = (expected - ours["logits"]).abs().max().item()
    largest = ours["logits"].abs().max().item()
    mine, theirs = perplexity(ours["logits"]), perplexity(logits)
    agree = difference <= tolerance * largest and abs(theirs / mine - 1) <= PERPLEXITY
    failures += not agree
    lines.append(
        f"{name:26} max |difference| {difference:.6f} of {largest:.2f} (rounding: {rounding:.6f})   perplexity {theirs:.4f}, ours {mine:.4f}   {'agree' if agree else 'DISAGREE'}"
    )


def plain(dtype, weights):
    """transformers' own forward pass over these weights, and whatever else the model has."""
    config = AutoConfig.from_pretrained(folder)
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    missing, unexpected = model.load_state_dict({name: value.to(dtype) for name, value in (state | weights).items()}, strict=False)
    model.tie_weights()
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    return model(tokens[None]).logits[0].float()


def dequantized(model):
    return {f"{name}.weight": m.dequantize_weight().T.float() for name, m in model.named_modules() if isinstance(m, BaseQuantLinear)}


versions = [f"{p} {importlib.metadata.version(p)}" for p in ("torch", "transformers", "gptqmodel", "optimum")]
lines.append(", ".join([f"Python {platform.python_version()}", *versions]))
lines.append(f"{settings['bits']} bits, group size {settings['group_size']}, {'symmetric' if settings['sym'] else 'asymmetric'}, {settings['checkpoint_format']}; {len(tokens)} tokens")

model = GPTQModel.load(folder, device="cpu", dtype=torch.float16, backend=BACKEND.GPTQ_TORCH).model
weights = dequantized(model)
state = {name: value.float() for name, value in model.state_dict().items() if value.is_floating_point() and f"{name.rsplit('.', 1)[0]}.weight" not in weights}

assert weights, "nothing in this folder is quantized"
rounded = {name: ours[name].half().float() for name in weights}
in_f16, in_f32 = plain(torch.float16, rounded), plain(torch.float32, rounded)
compare("GPTQModel, f16", model(tokens[None]).logits[0].float(), in_f16, LOGITS_F16)
worst, beyond = 0.0, 0
for name, theirs in weights.items():
    error = (theirs - ours[name]).abs()
    worst = max(worst, error.max().item())
    beyond += (error > WEIGHT_RELATIVE * ours[name].abs() + WEIGHT_ABSOLUTE).sum().item()
failures += beyond > 0
lines.append(f"{len(weights)} weights{'':16} max |difference| {worst:.3g}, {beyond} elements farther than f16 rounding   {'agree' if beyond == 0 else 'DISAGREE'}")

backend = GPTQConfig(bits=settings["bits"], group_size=settings["group_size"], sym=settings["sym"], backend="gptq_torch")
model = AutoModelForCausalLM.from_pretrained(folder, device_map="cpu", dtype=torch.float16, quantization_config=backend)
compare("transformers, f16", model(tokens[None]).logits[0].float(), in_f16, LOGITS_F16)
compare("GPTQModel's weights, f32", plain(torch.float32, weights), in_f32, LOGITS_F32)

with open(result, "w", encoding="utf8") as file:
    file.write("\n".join(lines) + "\n")
print(*lines, sep="\n")
sys.exit(1 if failures else 0)
