import type { ModuleInference, Objection, RotationSpec } from '@compress/core';

/** Rotations of the forward pass, by the size of their matrix. */
interface Rotated {
  readonly size: number;
  readonly modules: readonly string[];
}

/** `transform_config`: R4 before the Linears that it names, R3 on queries and keys of the attentions. Undefined where nothing is rotated. */
export function transformConfiguration({ inputs, attention }: ModuleInference) {
  const groups: [string, object][] = [];
  for (const { size, modules } of bySize(inputs))
    groups.push([`R4_${size}`, hadamard(size, [{ targets: modules, location: 'input' }])]);
  for (const { size, modules } of bySize(attention))
    groups.push([
      `R3_${size}`,
      hadamard(size, [
        { targets: modules, location: 'q_attn' },
        { targets: modules, location: 'k_cache' },
      ]),
    ]);
  return groups.length === 0 ? undefined : { config_groups: Object.fromEntries(groups) };
}

/** Readers make the matrix themselves, Sylvester's, whose orders are powers of two. */
export function transformObjections({ inputs, attention }: ModuleInference): Objection[] {
  const refuse = (name: string, places: ReadonlyMap<string, { readonly rotation?: RotationSpec }>) =>
    bySize(places)
      .filter(({ size }) => !isPowerOfTwo(size))
      .map(({ size, modules }) => ({
        layer: modules[0],
        message: `Consumers of compressed-tensors rotate by Hadamard matrices of powers of two alone, and ${name} is one of order ${size} here: rotate blocks ("block: ${largestPowerOfTwo(size)}"), leave ${name} out, or choose the format "dense".`,
      }));
  return [...refuse('R4', inputs), ...refuse('R3', attention)];
}

function hadamard(size: number, apply: readonly { targets: readonly string[]; location: string }[]) {
  return {
    type: 'hadamard',
    apply: apply.map((one) => ({ ...one, inverse: false, ignore: [] })),
    randomize: false,
    requires_grad: false,
    head_dim: size,
    precision: 'torch.float32',
  };
}

function bySize(places: ReadonlyMap<string, { readonly rotation?: RotationSpec }>): Rotated[] {
  const sizes = new Map<number, string[]>();
  for (const [module, { rotation }] of places)
    if (rotation) sizes.set(rotation.size, [...(sizes.get(rotation.size) ?? []), module]);
  return [...sizes].map(([size, modules]) => ({ size, modules }));
}

function isPowerOfTwo(size: number): boolean {
  return largestPowerOfTwo(size) === size;
}

/** That divides it. */
function largestPowerOfTwo(size: number): number {
  return size & -size;
}
