import type { Activation, LinearSpec, Network, Norm, Span } from '@compress/core';

/** The pieces that tables are written with. */

/** A Linear at module path `name`, with `.weight` and, if it has one, `.bias` below it. */
export function linear(
  name: string,
  outFeatures: number,
  inFeatures: number,
  options: { readonly bias?: boolean; readonly transposed?: boolean; readonly untouched?: string } = {},
): LinearSpec {
  return {
    name,
    weight: `${name}.weight`,
    ...(options.bias && { bias: `${name}.bias` }),
    outFeatures,
    inFeatures,
    transposed: options.transposed ?? false,
    ...(options.untouched !== undefined && { untouched: options.untouched }),
  };
}

/** RMSNorm at module path `name`. */
export function rmsNorm(name: string, epsilon: number, unitOffset = false): Norm {
  return { kind: 'rms', gain: `${name}.weight`, epsilon, unitOffset };
}

/** LayerNorm with bias at module path `name`. */
export function layerNorm(name: string, epsilon: number): Norm {
  return { kind: 'layer', gain: `${name}.weight`, bias: `${name}.bias`, epsilon, unitOffset: false };
}

/** The whole output of `linears[index]`, cut in parts of `size` rows. */
export function whole(index: number, size: number): Span {
  return { linear: index, first: 0, stride: size };
}

/** `gate`, `up` and `down` below `path` (or the names given), the feed-forward of Llama and its kin. */
export function gatedNetwork(
  path: string,
  hidden: number,
  features: number,
  activation: Activation,
  options: { readonly bias?: boolean; readonly names?: readonly [gate: string, up: string, down: string] } = {},
): Network {
  const [gate, up, down] = options.names ?? ['gate_proj', 'up_proj', 'down_proj'];
  const bias = options.bias ?? false;
  return {
    linears: [
      linear(`${path}.${gate}`, features, hidden, { bias }),
      linear(`${path}.${up}`, features, hidden, { bias }),
    ],
    gate: whole(0, features),
    up: whole(1, features),
    features,
    activation,
    down: linear(`${path}.${down}`, hidden, features, { bias }),
  };
}

/** Two Linears with biases around an activation: `first` and `second` are module paths. */
export function plainNetwork(
  hidden: number,
  features: number,
  activation: Activation,
  options: { readonly first: string; readonly second: string; readonly bias?: boolean; readonly transposed?: boolean },
): Network {
  const { first, second, bias = true, transposed = false } = options;
  return {
    linears: [linear(first, features, hidden, { bias, transposed })],
    gate: whole(0, features),
    features,
    activation,
    down: linear(second, hidden, features, { bias, transposed }),
  };
}
