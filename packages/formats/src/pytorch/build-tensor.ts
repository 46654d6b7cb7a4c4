import { DTYPE_BITS } from '@compress/core';
import {
  DTYPES,
  ORDERED_DICT,
  type Pickled,
  type PickledGlobal,
  type PickledStorage,
  type PickledTensor,
  REBUILD_PARAMETER,
  REBUILD_TENSOR,
  STORAGES,
} from './pickle-values.ts';
import { pytorchFault } from './pytorch-fault.ts';

/** `torch` allows 64 dimensions. */
const MAX_DIMENSIONS = 64;

/** What a call of one of the known globals makes; none of them is run. Throws `CompressError` `pytorch-pickle`. */
export function callGlobal(callee: Pickled | undefined, args: readonly Pickled[], file: string): Pickled {
  const name = isKind(callee, 'global') ? callee.name : undefined;
  if (name === ORDERED_DICT && args.length === 0) return new Map();
  if (name === REBUILD_PARAMETER && isKind(args[0], 'tensor')) return args[0];
  if (name === undefined || !name.startsWith('torch._utils.')) throw malformed('It calls what cannot be called', file);
  return buildTensor(args, name !== REBUILD_TENSOR, file);
}

/** `(storage, offset, shape, strides, requires_grad, backward_hooks, ...)`; typed tensors have a dtype behind these. */
function buildTensor(args: readonly Pickled[], typed: boolean, file: string): PickledTensor {
  const [storage, offset, shape, strides, , , told] = args;
  if (!isKind(storage, 'storage')) throw malformed('A tensor has no storage', file);
  const dtype = typed ? (isKind(told, 'global') ? DTYPES.get(told.name) : undefined) : storage.dtype;
  const sizes = naturals(shape);
  const steps = naturals(strides);
  if (
    dtype === undefined ||
    !isNatural(offset) ||
    !sizes ||
    sizes.length > MAX_DIMENSIONS ||
    steps?.length !== sizes.length
  ) {
    throw malformed('A tensor is not described as torch describes it', file);
  }
  return { kind: 'tensor', storage, dtype, offset, shape: sizes, strides: steps };
}

/** `('storage', class, key, location, elements)`: how torch refers to an entry of the archive. Throws `CompressError` `pytorch-pickle`. */
export function findStorage(id: Pickled | undefined, file: string): PickledStorage {
  const [what, type, key, , elements] = isKind(id, 'tuple') ? id.items : [];
  const known = isKind(type, 'global') && STORAGES.has(type.name);
  if (what !== 'storage' || !known || typeof key !== 'string' || !isNatural(elements)) {
    throw malformed('It refers to something that is no storage of a tensor', file);
  }
  return { kind: 'storage', key, dtype: STORAGES.get((type as PickledGlobal).name), elements };
}

/** Bytes of an element. */
export function elementBytes({ dtype }: PickledTensor): number {
  return DTYPE_BITS[dtype] / 8;
}

type Kinds = { readonly [K in Extract<Pickled, { kind: string }>['kind']]: Extract<Pickled, { kind: K }> };

export function isKind<K extends keyof Kinds>(value: Pickled | undefined, kind: K): value is Kinds[K] {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

function naturals(value: Pickled | undefined): number[] | undefined {
  if (!isKind(value, 'tuple')) return undefined;
  const numbers = value.items.filter(isNatural);
  return numbers.length === value.items.length ? numbers : undefined;
}

function isNatural(value: Pickled | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function malformed(what: string, file: string) {
  return pytorchFault('pickle', `${what}: this is no file of tensors that torch wrote.`, file);
}
