#!/usr/bin/env python3
"""Loads a compressed-tensors folder in Python, as its users will, and compares it with what logits.ts wrote.

    python compare-compressed-tensors.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: compressed-tensors`; OURS the folder that logits.ts wrote; RESULT the text file that is written. On the CPU:

  weights              what the library's own dequantization makes of each layer in f32: must equal ours bit for bit
  compressed again     what its compressor makes of those weights with the same scales: names, shapes and bytes must be those of the file
  transformers, f32    these weights in transformers' own f32 forward pass, with what the configuration says more: the library's transforms, and activations rounded by the library with the
                       scales that vLLM's kernels take (absmax / 127 by token). Weights and rounding are the same, so what is left is the order of sums. Where activations are
                       rounded, a sum that lies at the edge of two codes changes one; how much that does in this model is measured by the same pass in f64, and ours may be
                       a few times as far from theirs in f32 as that is
  from_pretrained      AutoModelForCausalLM.from_pretrained, which finds the layers by our configuration; the library's own simulation of activations (absmax / 127.5) and caches (the
                       newest token is rounded too). Asymmetric packed checkpoints load with dequantize=True only: without it transformers expects zero points that are not
                       packed (vllm-project/llm-compressor#1618), whoever wrote them. E2M1 is decompressed to bf16, so that such a model runs in bf16. transformers does not apply
                       transforms: then it is not run

Exits with 1 if they do not agree, or if transformers leaves a tensor of the file unused or a parameter unset.
"""
import json
import sys

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.mx_utils import decompress_mx_scale
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.lifecycle.forward import dequantize, fake_quantize
from compressed_tensors.transform import TransformConfig, apply_transform_config
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, CompressedTensorsConfig

from comparison import Comparison

# Relative to the largest |logit|: the order of sums alone.
LOGITS = 1e-4
# Times as far as their f64 pass is from their f32 pass.
CODES_CHANGED = 3
# Of from_pretrained, whose arithmetic is another one; of a model in bf16.
PERPLEXITY, PERPLEXITY_BF16 = 5e-3, 2e-2

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]
transforms = settings.get("transform_config") or {}
known = {key: value for key, value in settings.items() if key not in ("version", "transform_config")}
config = QuantizationConfig.model_validate(known)
schemes = list(config.config_groups.values())
scheme = schemes[0] if schemes else None
inputs = scheme.input_activations if scheme else None
form = settings["format"]


def described():
    if scheme is None:
        yield "weights in floats"
    else:
        arguments = scheme.weights
        group = arguments.block_structure or arguments.group_size or ""
        kinds = {f"{s.weights.num_bits} bits {'symmetric' if s.weights.symmetric else 'asymmetric'}": sum(len(t.targets) for t in schemes if t.weights == s.weights) for s in schemes}
        several = len(kinds) > 1
        yield f"{form}, {', '.join(f'{n} x {kind}' if several else kind for kind, n in kinds.items())}, {arguments.strategy} {group}".strip()
    if inputs:
        yield f"activations {inputs.type} {inputs.num_bits} by {inputs.strategy}"
    if config.kv_cache_scheme:
        yield f"cache {config.kv_cache_scheme.type} {config.kv_cache_scheme.num_bits} by {config.kv_cache_scheme.strategy}"
    if transforms:
        yield f"transforms {', '.join(transforms['config_groups'])}"


comparison = Comparison(ours, ["torch", "transformers", "compressed-tensors"], "; ".join(described()))
tokens = torch.from_numpy(comparison.tokens)


def scheme_of(prefix):
    """By the name that a group says, as the library looks first."""
    return next((one for one in schemes if prefix in one.targets), scheme)


def in_f32(layer, scheme):
    """What a layer's tensors mean, by the library's own functions, without the rounding to the dtype of its scales."""
    if "weight_packed" in layer and layer["weight_packed"].dtype == torch.uint8:
        packed = layer["weight_packed"]
        scale = layer["weight_scale"]
        scale = decompress_mx_scale(scale).float() if form.startswith("mxfp4") else scale.float()
        values = unpack_fp4_from_uint8(packed, packed.shape[0], 2 * packed.shape[1], dtype=torch.float32)
        return dequantize(values, scale, args=scheme.weights, global_scale=layer.get("weight_global_scale"), dtype=torch.float32), scale
    single = layer | {"weight_scale": layer["weight_scale"].float()}
    return library.decompress(single, scheme)["weight"], single["weight_scale"]


stored = load_file(f"{folder}/model.safetensors")
weights = {name: value.float() for name, value in stored.items() if name.endswith((".weight", ".bias"))}
if scheme:
    library = BaseCompressor.load_from_registry(form)
    prefixes = [name.removesuffix(".weight_scale") for name in stored if name.endswith(".weight_scale")]
    assert prefixes, "nothing in this folder is quantized"
    differing = repacked = 0
    for prefix in prefixes:
        layer = {name.removeprefix(f"{prefix}."): value for name, value in stored.items() if name.startswith(f"{prefix}.weight")}
        weight, scale = in_f32(layer, scheme_of(prefix))
        weights[f"{prefix}.weight"] = weight
        differing += (weight.numpy() != comparison.weights[f"{prefix}.weight"]).sum().item()
        kept = {name: layer[name] for name in ("weight_global_scale",) if name in layer}
        if "weight_zero_point" in layer:
            packed_zeros = {"weight_zero_point": layer["weight_zero_point"]}
            kept |= library.decompress(layer | {"weight_scale": scale}, scheme_of(prefix)) if form == "pack-quantized" else packed_zeros
        again = library.compress({name: value for name, value in kept.items() if name != "weight_shape"} | {"weight": weight, "weight_scale": scale}, scheme_of(prefix))
        # Scales go in as f32, so only those that are codes themselves must come out as they were.
        names = {*layer, *again} - (set() if "weight_global_scale" in layer or form.startswith("mxfp4") else {"weight_scale"})

        def same(name):
            return name in layer and name in again and layer[name].dtype == again[name].dtype and torch.equal(layer[name].view(torch.uint8), again[name].contiguous().view(torch.uint8))

        repacked += sum(not same(name) for name in names)
    comparison.judge(f"{len(prefixes)} weights", differing == 0, f"{differing} elements differ")
    comparison.judge("compressed again", repacked == 0, f"{repacked} tensors differ")

architecture = AutoConfig.from_pretrained(folder)
del architecture.quantization_config
plain = AutoModelForCausalLM.from_config(architecture, dtype=torch.float32).eval()
missing, unexpected = plain.load_state_dict(weights, strict=False)
plain.tie_weights()
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
if transforms:
    apply_transform_config(plain, TransformConfig.model_validate(transforms))


def rounds(scale):
    def hook(_module, args):
        """The library's rounding, with the scale of vLLM's kernels."""
        (x,) = args
        most = 448.0 if inputs.type == "float" else 2.0 ** (inputs.num_bits - 1) - 1
        step = scale if scale is not None else x.abs().amax(-1, keepdim=True).clamp(min=1e-30) / most
        return (fake_quantize(x, step, torch.zeros_like(step), inputs),)

    return hook


if inputs:
    for prefix in prefixes:
        plain.get_submodule(prefix).register_forward_pre_hook(rounds(stored.get(f"{prefix}.input_scale")))
cached = config.kv_cache_scheme is not None
logits = plain(tokens[None]).logits[0]
if not cached and not inputs:
    comparison.compare("transformers, f32", logits, LOGITS, ratio=PERPLEXITY)
if not cached and inputs:
    spread = (plain.double()(tokens[None]).logits[0].float() - logits).abs().max().item()
    bound = CODES_CHANGED * spread / comparison.largest
    comparison.compare("transformers, f32", logits, bound, note=f", f64 differs by {spread:.6f}", ratio=PERPLEXITY)

if not transforms:
    packed_zeros = form == "pack-quantized" and not all(one.weights.symmetric for one in schemes)
    way = {"quantization_config": CompressedTensorsConfig(dequantize=True)} if packed_zeros else {}
    half = form.startswith(("nvfp4", "mxfp4"))
    model, loading = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16 if half else torch.float32, output_loading_info=True, **way)
    unused = sorted(str(key) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in loading.get(kind, []))
    theirs = model(tokens[None]).logits[0].float()
    note = ", dequantize=True" if way else ""
    comparison.compare(f"from_pretrained, {'bf16' if half else 'f32'}", theirs, None, note=note, ratio=PERPLEXITY_BF16 if half else PERPLEXITY)
    if unused:
        comparison.judge("not matched", False, ", ".join(unused))

comparison.finish(result)
