import type { Dtype } from '@compress/core';

/** A storage that a pickle refers to: the entry `data/<key>` of its archive, shared by all tensors that name it. */
export interface PickledStorage {
  readonly kind: 'storage';
  readonly key: string;
  /** Undefined where the storage is of bytes, and its tensors say what they are. */
  readonly dtype: Dtype | undefined;
  readonly elements: number;
}

/** A tensor as a view of its storage; offset and strides are elements. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A name that a pickle asks for: one of {@link PickleGlobal}s that tensors need, never the thing itself. */
export interface PickledGlobal {
  readonly kind: 'global';
  readonly name: string;
}

export interface PickledTuple {
  readonly kind: 'tuple';
  readonly items: readonly Pickled[];
}

/** What the reader of pickles makes: numbers, texts, tensors and what holds them. Objects of Python do not occur. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | PickledTuple
  | PickledStorage
  | PickledTensor
  | PickledGlobal
  | Pickled[]
  | Map<Pickled, Pickled>;

/** The class of a storage, by its name in `torch`. */
export const STORAGES: ReadonlyMap<string, Dtype | undefined> = new Map<string, Dtype | undefined>([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.ComplexFloatStorage', 'C64'],
  ['torch.storage.UntypedStorage', undefined],
]);

/** Dtypes that have no storage class of their own. */
export const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['torch.float8_e4m3fn', 'F8_E4M3'],
  ['torch.float8_e5m2', 'F8_E5M2'],
  ['torch.float8_e4m3fnuz', 'F8_E4M3FNUZ'],
  ['torch.float8_e5m2fnuz', 'F8_E5M2FNUZ'],
  ['torch.float8_e8m0fnu', 'F8_E8M0'],
  ['torch.uint16', 'U16'],
  ['torch.uint32', 'U32'],
  ['torch.uint64', 'U64'],
]);

export const ORDERED_DICT = 'collections.OrderedDict';
export const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
export const REBUILD_TYPED_TENSOR = 'torch._utils._rebuild_tensor_v3';
export const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter';

/** Every name that a pickle of tensors may ask for. */
export const GLOBALS: ReadonlySet<string> = new Set([
  ...STORAGES.keys(),
  ...DTYPES.keys(),
  ORDERED_DICT,
  REBUILD_TENSOR,
  REBUILD_TYPED_TENSOR,
  REBUILD_PARAMETER,
]);
