import { CompressError } from '../errors.ts';
import type { TensorInfo } from './checkpoint.ts';
import { DTYPE_BITS, type Dtype } from './dtype.ts';
import { createJsonScanner, JsonFault, type JsonScanner } from './json-scanner.ts';
import { createMemoryBudget, type Spend } from './memory-budget.ts';
import { tensorBytes } from './tensor-bytes.ts';

/** The format's own limit, for readers and writers. */
export const MAX_HEADER_BYTES = 100_000_000;

/** What a tensor takes with short names: its entries in tables, names, shape. Measured: 300 bytes live, and what is not collected yet. */
const TENSOR_COST = 512;
/** Of a dimension, and of an entry of the metadata. */
const DIMENSION_COST = 16;
const METADATA_COST = 256;
/** Strings up to this length are in the costs of what they name; of a longer one each byte may become two. */
const SHORT_STRING = 64;

/** Where a tensor's bytes are, counted from the start of the file. */
export interface PlacedTensor extends TensorInfo {
  readonly start: number;
}

export interface SafetensorsHeader {
  /** In the order of the buffer. */
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  /** `__metadata__`, empty if absent. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Length of the JSON header, from a file's first 8 bytes and its size. Throws `CompressError` `safetensors-header-too-small`,
 * `-header-too-large`, `-header-length`.
 */
export function safetensorsHeaderLength(first: Uint8Array, fileSize: number, file: string): number {
  if (first.byteLength < 8 || fileSize < 8) {
    throw fault(
      'header-too-small',
      `The file has ${fileSize} bytes, but safetensors begin with 8: get it again.`,
      file,
    );
  }
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw fault(
      'header-too-large',
      `The header claims ${length} bytes, more than the format's limit of 100 MB: this is no safetensors file.`,
      file,
    );
  }
  if (8 + Number(length) > fileSize) {
    throw fault(
      'header-length',
      `The header claims ${length} bytes, but the file ends after ${fileSize}: get it again.`,
      file,
    );
  }
  return Number(length);
}

/**
 * Parses and proves a header (safetensors format, README "Format", with every rule that the reference enforces, and unique keys).
 * `header` is the JSON with its padding, `fileSize` the size of the whole file. Takes no more memory beside `header` than the file has bytes (or 32 MB).
 * Throws `CompressError`, always one of `safetensors-header-utf8`, `-header-json`, `-header-heavy`, `-duplicate-key`, `-metadata`, `-entry`, `-dtype`,
 * `-integer`, `-offsets`, `-size`, `-overflow`, `-misaligned`, `-buffer`.
 */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  if (header[0] !== 0x7b)
    throw fault('header-json', 'The header does not begin with {: this is no safetensors file.', file);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  // With the header itself it is twice the file.
  const spend = createMemoryBudget(fileSize, () =>
    fault(
      'header-heavy',
      `The header lists more than a file of ${fileSize} bytes has reason to: what is read of it would take more than twice the file in memory.`,
      file,
    ),
  );
  try {
    const string = (length: number) => {
      if (length > SHORT_STRING) spend(2 * length);
    };
    const scanner = createJsonScanner(header, { string });
    scanner.object((name) => {
      if (name === '__metadata__') readMetadata(scanner, metadata, spend, file);
      else entries.push(readEntry(scanner, name, spend, file));
    });
    // The format allows spaces as padding, and nothing else.
    for (let at = scanner.position(); at < header.length; at++) {
      if (header[at] !== 0x20) throw new JsonFault('syntax', 'expected only spaces after the header', at);
    }
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw fault(FAULTS[error.kind], `The header is not valid: ${error.message}.`, file, undefined, error);
  }
  return { tensors: place(entries, header.byteLength, fileSize, file), metadata };
}

const FAULTS = { duplicate: 'duplicate-key', syntax: 'header-json', utf8: 'header-utf8' } as const;

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readMetadata(scanner: JsonScanner, metadata: Map<string, string>, spend: Spend, file: string): void {
  const place = () => fault('metadata', '__metadata__ must be an object of strings.', file);
  if (scanner.peek() !== '{') throw place();
  scanner.object((key) => {
    if (scanner.peek() !== '"') throw place();
    spend(METADATA_COST);
    metadata.set(key, scanner.string());
  });
}

function readEntry(scanner: JsonScanner, name: string, spend: Spend, file: string): Entry {
  spend(TENSOR_COST);
  const incomplete = () =>
    fault('entry', 'The entry must be an object with exactly dtype, shape and data_offsets.', file, name);
  let dtype: Dtype | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  if (scanner.peek() !== '{') throw incomplete();
  scanner.object((key) => {
    if (key === 'dtype' && scanner.peek() === '"') dtype = readDtype(scanner.string(), file, name);
    else if (key === 'shape' && scanner.peek() === '[') shape = readNaturals(scanner, key, spend, file, name);
    else if (key === 'data_offsets' && scanner.peek() === '[') offsets = readNaturals(scanner, key, spend, file, name);
    else throw incomplete();
  });
  if (dtype === undefined || shape === undefined || offsets?.length !== 2) throw incomplete();
  return { name, dtype, shape, begin: offsets[0], end: offsets[1] };
}

function readDtype(name: string, file: string, tensor: string): Dtype {
  if (!Object.hasOwn(DTYPE_BITS, name)) {
    throw fault('dtype', `The dtype ${JSON.stringify(shorten(name))} is none of the format's.`, file, tensor);
  }
  return name as Dtype;
}

function readNaturals(scanner: JsonScanner, key: string, spend: Spend, file: string, tensor: string): number[] {
  const naturals: number[] = [];
  scanner.array(() => {
    const natural = scanner.natural();
    if (natural === undefined) {
      throw fault('integer', `${key} must hold whole numbers from 0 to 2^53 - 1.`, file, tensor);
    }
    spend(DIMENSION_COST);
    naturals.push(natural);
  });
  // A list that grew has room for more.
  return naturals.slice();
}

/** Proves that the tensors tile the buffer: no hole, no overlap, nothing before, nothing behind. */
function place(
  entries: Entry[],
  headerLength: number,
  fileSize: number,
  file: string,
): ReadonlyMap<string, PlacedTensor> {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, PlacedTensor>();
  const buffer = 8 + headerLength;
  let position = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    if (end < begin) throw fault('offsets', `data_offsets [${begin}, ${end}] run backwards.`, file, name);
    if (begin !== position) {
      const what = begin > position ? 'leave a hole after' : 'overlap the bytes before';
      throw fault(
        'offsets',
        `data_offsets [${begin}, ${end}] ${what} ${position}: tensors must tile the buffer.`,
        file,
        name,
      );
    }
    const expected = tensorBytes(dtype, shape);
    if (expected === 'overflow')
      throw fault('overflow', `Shape ${describeShape(shape)} has more elements than can be counted.`, file, name);
    if (expected === 'misaligned') {
      throw fault('misaligned', `Shape ${describeShape(shape)} of ${dtype} does not fill whole bytes.`, file, name);
    }
    if (end - begin !== expected) {
      throw fault(
        'size',
        `Shape ${describeShape(shape)} of ${dtype} needs ${expected} bytes, data_offsets give ${end - begin}.`,
        file,
        name,
      );
    }
    tensors.set(name, { name, dtype, shape, byteLength: expected, start: buffer + begin });
    position = end;
  }
  if (buffer + position !== fileSize) {
    throw fault(
      'buffer',
      `The header describes ${buffer + position} bytes, the file has ${fileSize}: get it again.`,
      file,
    );
  }
  return tensors;
}

function fault(code: string, message: string, file: string, tensor?: string, cause?: unknown): CompressError {
  return new CompressError(
    `safetensors-${code}`,
    message,
    tensor === undefined ? { file } : { file, tensor: shorten(tensor) },
    cause === undefined ? undefined : { cause },
  );
}

/** A header may hold names of 100 MB; a message should not. */
function shorten(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 200)}...`;
}

function describeShape(shape: readonly number[]): string {
  return shape.length <= 16 ? `[${shape}]` : `[${shape.slice(0, 16)},...]`;
}
