import type { LinearSpec } from '@compress/core';

/** `model.layers.0.mlp.up_proj` of `model.layers.0.mlp.up_proj.weight`; undefined for a tensor of another name. */
export function layerPrefix(spec: LinearSpec): string | undefined {
  return spec.weight.endsWith('.weight') ? spec.weight.slice(0, -'.weight'.length) : undefined;
}
