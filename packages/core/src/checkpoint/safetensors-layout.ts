import { CompressError } from '../errors.ts';
import type { TensorInfo } from './checkpoint.ts';
import { DTYPE_BITS } from './dtype.ts';
import { MAX_HEADER_BYTES } from './safetensors-header.ts';
import { tensorBytes } from './tensor-bytes.ts';

const DTYPE_ORDER = new Map(Object.keys(DTYPE_BITS).map((dtype, rank) => [dtype, rank]));

/** A file before its data: the 8 bytes of length with the header, and the tensors in the order in which their bytes follow. */
export interface SafetensorsLayout<T extends TensorInfo> {
  readonly head: Uint8Array;
  readonly tensors: readonly T[];
}

/**
 * The canonical form, that of the reference writer, so that the same tensors make the same hash: by dtype descending, then by name (its
 * UTF-8 bytes) ascending; compact JSON, `__metadata__` first; padded with spaces to a multiple of 8. Throws `CompressError`
 * `tensor-name`, `tensor-size`, `safetensors-header-too-large`.
 */
export function safetensorsLayout<T extends TensorInfo>(
  tensors: readonly T[],
  metadata: Readonly<Record<string, string>>,
  file: string,
): SafetensorsLayout<T> {
  const ordered = tensors
    .map((tensor) => ({ tensor, name: Buffer.from(tensor.name), rank: DTYPE_ORDER.get(tensor.dtype)! }))
    .sort((a, b) => b.rank - a.rank || Buffer.compare(a.name, b.name))
    .map(({ tensor }) => tensor);
  const entries: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    entries.push(`"__metadata__":{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`)}}`);
  }
  let end = 0;
  for (const tensor of ordered) {
    checkTensor(tensor, file);
    const begin = end;
    end += tensor.byteLength;
    const { dtype, shape } = tensor;
    entries.push(
      `${JSON.stringify(tensor.name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const header = Buffer.from(`{${entries}}`);
  const length = Math.ceil(header.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new CompressError('safetensors-header-too-large', 'The header would exceed 100 MB: write smaller shards.', {
      file,
    });
  }
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(header, 8);
  return { head, tensors: ordered };
}

function checkTensor({ name, dtype, shape, byteLength }: TensorInfo, file: string): void {
  if (name === '__metadata__' || !name.isWellFormed()) {
    throw new CompressError('tensor-name', `A tensor cannot be named ${JSON.stringify(name)}.`, { file });
  }
  const natural = shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0);
  const bytes = natural ? tensorBytes(dtype, shape) : 'no whole number of';
  if (bytes === byteLength) return;
  throw new CompressError(
    'tensor-size',
    `Shape [${shape}] of ${dtype} has ${bytes} bytes, but ${byteLength} were announced.`,
    {
      file,
      tensor: name,
    },
  );
}
