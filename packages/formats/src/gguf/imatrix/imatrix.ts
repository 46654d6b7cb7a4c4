import { openFile, type WrittenFile } from '@compress/core';
import { ggufFault } from '../gguf-fault.ts';
import type { GgufValue } from '../gguf-value.ts';
import { openGguf } from '../open-gguf.ts';
import { type GgufTensorSource, writeGguf } from '../write-gguf.ts';
import { parseLegacyImatrix } from './legacy-imatrix.ts';

/** An importance matrix: what a calibration text showed of the activations that meet the columns of each matrix. */
export interface Imatrix {
  /** Where it was read from or will be written to, for messages and the keys of what is made with it. */
  readonly file: string;
  /** Names of the texts. */
  readonly datasets: readonly string[];
  /** How many chunks of `chunkSize` tokens the texts were cut into; 0 where that is not told. */
  readonly chunks: number;
  readonly chunkSize: number;
  /** The mean square of each column's activation, by the name of the matrix in GGUF. */
  readonly entries: ReadonlyMap<string, Float32Array>;
  /** How many tokens each mean is of; of llama.cpp's older form, chunks. */
  readonly tokens: ReadonlyMap<string, number>;
}

const SUMS = '.in_sum2';
const COUNTS = '.counts';
const MAGIC = 'GGUF';
/** No importance matrix comes near it: of a model of 70 billion weights it has 50 MB. */
const MAX_LEGACY_BYTES = 1 << 30;

/**
 * Reads an importance matrix of llama.cpp (`tools/imatrix`): in its GGUF form, of each matrix the sums of squares and how many they are of, or in the
 * older one (`*.dat`). Throws `CompressError` `gguf-imatrix` for other files and for matrices of experts, and those of {@link openGguf}.
 */
export async function readImatrix(file: string): Promise<Imatrix> {
  return (await readLegacy(file)) ?? readGgufForm(file);
}

/** Undefined where the file begins as a GGUF file does. */
async function readLegacy(file: string): Promise<Imatrix | undefined> {
  const opened = await openFile(file);
  try {
    const magic = await opened.read(0, Math.min(MAGIC.length, opened.size));
    if (String.fromCharCode(...magic) === MAGIC) return undefined;
    if (opened.size > MAX_LEGACY_BYTES) throw ggufFault('imatrix', 'It is larger than any importance matrix.', file);
    return parseLegacyImatrix(await opened.read(0, opened.size), file);
  } finally {
    await opened.close();
  }
}

async function readGgufForm(file: string): Promise<Imatrix> {
  const gguf = await openGguf(file);
  try {
    const fault = (message: string, tensor?: string) => ggufFault('imatrix', message, file, tensor);
    if (gguf.metadata.get('general.type')?.value !== 'imatrix') {
      throw fault('It is no importance matrix in the form of GGUF (general.type is not imatrix).');
    }
    const floats = async (name: string): Promise<Float32Array> => {
      const tensor = gguf.tensors.get(name);
      if (tensor?.dtype !== 'F32') throw fault('It must be there, and of F32.', name);
      return new Float32Array((await gguf.read(name)).slice().buffer);
    };
    const entries = new Map<string, Float32Array>();
    const tokens = new Map<string, number>();
    for (const name of gguf.tensors.keys()) {
      if (!name.endsWith(SUMS)) continue;
      const matrix = name.slice(0, -SUMS.length);
      const [sums, counts] = [await floats(name), await floats(`${matrix}${COUNTS}`)];
      if (counts.length !== 1) throw fault('Importance of experts is not read.', name);
      // A matrix that no token met says nothing.
      if (!(counts[0] > 0)) continue;
      const means = sums.map((sum) => sum / counts[0]);
      if (!means.every((mean) => mean >= 0 && Number.isFinite(mean)))
        throw fault('A sum of squares is no such number.', name);
      entries.set(matrix, means);
      tokens.set(matrix, counts[0]);
    }
    const number = (key: string) => Number(gguf.metadata.get(key)?.value ?? 0);
    const datasets = gguf.metadata.get('imatrix.datasets');
    return {
      file,
      datasets: datasets?.type === 'array' && datasets.of === 'string' ? datasets.value : [],
      chunks: number('imatrix.chunk_count'),
      chunkSize: number('imatrix.chunk_size'),
      entries,
      tokens,
    };
  } finally {
    await gguf.close();
  }
}

/** Writes what {@link readImatrix}, and llama.cpp, read. Throws as `writeGguf`. */
export function writeImatrix({ file, datasets, chunks, chunkSize, entries, tokens }: Imatrix): Promise<WrittenFile> {
  const metadata = new Map<string, GgufValue>([
    ['general.type', { type: 'string', value: 'imatrix' }],
    ['imatrix.datasets', { type: 'array', of: 'string', value: datasets }],
    ['imatrix.chunk_count', { type: 'u32', value: chunks }],
    ['imatrix.chunk_size', { type: 'u32', value: chunkSize }],
  ]);
  const tensors = [...entries].flatMap(([name, means]) => {
    const count = tokens.get(name)!;
    return [
      source(
        `${name}${SUMS}`,
        means.map((mean) => mean * count),
      ),
      source(`${name}${COUNTS}`, Float32Array.of(count)),
    ];
  });
  return writeGguf(file, { metadata, tensors });
}

/** What a file says of the importance matrix that it was made with. */
export function imatrixKeys({ file, datasets, chunks, entries }: Imatrix): readonly (readonly [string, GgufValue])[] {
  return [
    ['quantize.imatrix.file', { type: 'string', value: file }],
    ...(datasets.length > 0 ? [['quantize.imatrix.dataset', { type: 'string', value: datasets[0] }] as const] : []),
    ['quantize.imatrix.entries_count', { type: 'u32', value: entries.size }],
    ['quantize.imatrix.chunks_count', { type: 'u32', value: chunks }],
  ];
}

function source(name: string, values: Float32Array): GgufTensorSource {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // As llama.cpp writes them: a matrix of one row.
  return { name, type: 'F32', shape: [1, values.length], byteLength: bytes.length, bytes: async () => bytes };
}
