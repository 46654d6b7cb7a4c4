/** Puts GGUF files together, byte for byte, right or wrong. */
export interface Parts {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
  readonly keys?: readonly Uint8Array[];
  readonly tensors?: readonly Uint8Array[];
  readonly data?: Uint8Array;
  readonly alignment?: number;
}

export const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
export const u64 = (value: bigint | number) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
export const f32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
export const text = (value: string) => join(u64(Buffer.byteLength(value)), new TextEncoder().encode(value));
export const key = (name: string, type: number, ...value: Uint8Array[]) => join(text(name), u32(type), ...value);

export function tensor(name: string, ne: readonly (number | bigint)[], type: number, offset: number): Uint8Array {
  return join(text(name), u32(ne.length), ...ne.map(u64), u32(type), u64(offset));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function ggufFile(parts: Parts): Uint8Array {
  const { keys = [], tensors = [], data = new Uint8Array(), alignment = 32 } = parts;
  const head = join(
    new TextEncoder().encode(parts.magic ?? 'GGUF'),
    u32(parts.version ?? 3),
    u64(parts.tensorCount ?? tensors.length),
    u64(parts.keyCount ?? keys.length),
    ...keys,
    ...tensors,
  );
  const padding = tensors.length === 0 ? 0 : (alignment - (head.length % alignment)) % alignment;
  return join(head, new Uint8Array(padding), data);
}

/** 256 bytes that the reference reader opened: `a` of Q4_0 and `b` of F32. */
export const GOLDEN: Uint8Array = ggufFile({
  keys: [key('general.architecture', 8, text('llama')), key('general.quantization_version', 4, u32(2))],
  tensors: [tensor('a', [32, 1], 2, 0), tensor('b', [3], 0, 32)],
  data: join(
    Uint8Array.from(Buffer.from('0034730c953fc851ea841da63fd962fb842e', 'hex')),
    new Uint8Array(14),
    f32(1, 2, 3),
    new Uint8Array(20),
  ),
});
