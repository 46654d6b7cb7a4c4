#!/usr/bin/env python3
"""Loads a bitsandbytes folder in Python, as its users will, and compares it with what logits.ts wrote.

    python compare-bitsandbytes.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: bitsandbytes`; OURS the folder that logits.ts wrote; RESULT the text file that is written. On the CPU:

  weights             what the library dequantizes to in f32: must equal ours bit for bit; of LLM.int8, which multiplies by the absmax and divides by 127
                      after that, to two roundings
  saved again         the tensors that the library would write for each layer: must be those of the file
  transformers        AutoModelForCausalLM.from_pretrained; then with the library's bf16 kernel, where the CPU has one, which is only told. LLM.int8 rounds
                      activations to 8 bits: only its perplexity is told
  its weights, f32    what it dequantizes to, in an ordinary forward pass

Exits with 1 if they do not agree, or if transformers leaves a tensor of the file unused or a parameter unset.
"""
import json
import sys

import bitsandbytes as bnb
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from comparison import Comparison

# Relative to the largest |logit|: with its weights in an ordinary forward pass, and in its own. Two roundings of f32.
LOGITS, LOGITS_OWN, ROUNDINGS = 1e-3, 4e-3, 2**-22

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]
stored = load_file(f"{folder}/model.safetensors")
eight = settings["load_in_8bit"]
kind = "LLM.int8" if eight else settings["bnb_4bit_quant_type"] + (", double quantization" if settings["bnb_4bit_use_double_quant"] else "")
comparison = Comparison(ours, ["torch", "transformers", "bitsandbytes"], kind)
tokens = torch.from_numpy(comparison.tokens)

model, loading = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, device_map="cpu")
layers = {name: m for name, m in model.named_modules() if isinstance(m, (bnb.nn.Linear4bit, bnb.nn.Linear8bitLt))}
assert layers, "nothing in this folder is quantized"

weights, differing, other = {}, 0, 0
for name, layer in layers.items():
    if eight:
        codes, absmax = (stored[f"{name}.{part}"] for part in ("weight", "SCB"))
        assert layer.state.CB is None or torch.equal(layer.state.CB, codes)
        weights[name] = bnb.functional.int8_vectorwise_dequant(codes, absmax)
        differing += ((weights[name] - torch.from_numpy(comparison.weights[f"{name}.weight"])).abs() > ROUNDINGS * weights[name].abs()).sum().item()
        saved = {"weight": layer.weight.data, "SCB": layer.weight.SCB}
    else:
        state = layer.weight.quant_state
        state.dtype = layer.compute_dtype = torch.float32
        layer.compute_type_is_set = True
        layer.support_avx512bf16_for_cpu = False
        weights[name] = bnb.functional.dequantize_4bit(layer.weight.data, state)
        differing += (weights[name].numpy() != comparison.weights[f"{name}.weight"]).sum().item()
        saved = {"weight": layer.weight.data} | {f"weight.{key}": value for key, value in state.as_dict(packed=True).items() if not key.startswith("quant_state")}
    other += sum(not torch.equal(value, stored[f"{name}.{key}"]) for key, value in saved.items())
comparison.judge(f"{len(weights)} weights", differing == 0, f"{differing} elements differ")
comparison.judge("saved again", other == 0, f"{other} tensors differ")
unused = sorted(str(key) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in loading.get(kind, []))
if unused:
    comparison.judge("not matched", False, ", ".join(unused))

logits = model(tokens[None]).logits[0].float()
if eight:
    theirs, mine = comparison.perplexity(logits), comparison.perplexity(comparison.logits)
    comparison.tell("transformers", f"activations of 8 bits: perplexity {theirs:.4f}, ours with floats {mine:.4f}")
else:
    comparison.compare("transformers", logits, LOGITS_OWN)
    if bnb.functional.has_avx512bf16():
        for layer in layers.values():
            layer.support_avx512bf16_for_cpu = True
        logits = model(tokens[None]).logits[0].float()
        difference = (logits - torch.from_numpy(comparison.logits)).abs().max().item()
        comparison.tell("its bf16 kernel", f"max |difference| {difference:.6f}   perplexity {comparison.perplexity(logits):.4f}")

config = AutoConfig.from_pretrained(folder)
del config.quantization_config
plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
floats = {name: value.float() for name, value in stored.items() if not any(name.startswith(f"{layer}.") for layer in layers)}
biases = {name: value.float() for name, value in stored.items() if name.endswith(".bias")}
missing, unexpected = plain.load_state_dict(floats | biases | {f"{name}.weight": value for name, value in weights.items()}, strict=False)
plain.tie_weights()
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
comparison.compare("its weights, f32", plain(tokens[None]).logits[0], LOGITS)
comparison.finish(result)
