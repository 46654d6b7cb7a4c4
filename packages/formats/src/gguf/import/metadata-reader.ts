import type { CompressError } from '@compress/core';
import { ggufFault } from '../gguf-fault.ts';
import type { GgufFile } from '../open-gguf.ts';

/** Metadata by the kind that its user needs; absent values are `undefined`. Each throws `gguf-import` for a value of another kind. */
export interface MetadataReader {
  /** A whole number from 0 to 2^53 - 1. */
  natural(key: string): number | undefined;
  /** An f32 becomes the shortest decimal that means it: 1e-5 and not 0.000009999999747378752. */
  number(key: string): number | undefined;
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  texts(key: string): readonly string[] | undefined;
  /** Throws `gguf-import` for a value that is absent. */
  need<T>(value: T | undefined, key: string): T;
}

export function createMetadataReader({ metadata, location }: GgufFile): MetadataReader {
  const wrong = (key: string, what: string): CompressError => importFault(`${key} must be ${what}.`, location);
  return {
    natural(key) {
      const found = metadata.get(key);
      if (found === undefined) return undefined;
      const value = found.type === 'u64' || found.type === 'i64' ? Number(found.value) : found.value;
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
      throw wrong(key, 'a whole number');
    },
    number(key) {
      const found = metadata.get(key);
      if (found === undefined) return undefined;
      if (typeof found.value !== 'number' || !Number.isFinite(found.value)) throw wrong(key, 'a number');
      return found.type === 'f32' ? shortestDecimal(found.value) : found.value;
    },
    text(key) {
      const found = metadata.get(key);
      if (found === undefined || found.type === 'string') return found?.value;
      throw wrong(key, 'a text');
    },
    flag(key) {
      const found = metadata.get(key);
      if (found === undefined || found.type === 'bool') return found?.value;
      throw wrong(key, 'a boolean');
    },
    texts(key) {
      const found = metadata.get(key);
      if (found === undefined) return undefined;
      if (found.type === 'array' && found.of === 'string') return found.value;
      throw wrong(key, 'an array of texts');
    },
    need(value, key) {
      if (value === undefined) throw importFault(`${key} is missing, so the model cannot be rebuilt.`, location);
      return value;
    },
  };
}

/** What an import cannot do with a file that is a valid GGUF. */
export function importFault(message: string, file: string, tensor?: string): CompressError {
  return ggufFault('import', message, file, tensor);
}

/** Nine digits tell every f32 from its neighbours. */
function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(9));
}
