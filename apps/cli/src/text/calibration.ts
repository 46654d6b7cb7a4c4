import { createHash } from 'node:crypto';
import { type Calibration, CompressError, randomStream } from '@compress/core';
import type { CalibrationRecipe } from '../recipe/schema.ts';

/**
 * Calibration windows of a tokenized text. With N tokens and S windows of L, window i starts at
 * floor(i (N - L) / (S - 1)) (`spread`), at i L (`first`), or anywhere (`random`, uniform and independent).
 * Throws `CompressError` `text-too-short`.
 */
export function calibrationWindows(
  tokens: Uint32Array,
  { samples, length, pick, seed }: Pick<CalibrationRecipe, 'samples' | 'length' | 'pick' | 'seed'>,
): Calibration {
  const room = tokens.length - length;
  const needed = { spread: length + samples - 1, first: length * samples, random: length }[pick];
  if (tokens.length < needed) {
    throw new CompressError(
      'text-too-short',
      `The calibration text has ${tokens.length} tokens; ${samples} windows of ${length} (pick: ${pick}) need at least ${needed}. Give more text, or fewer or shorter windows.`,
    );
  }
  const random = randomStream('calibration', seed ?? 0);
  const start = {
    spread: (i: number) => (samples === 1 ? 0 : Math.floor((i * room) / (samples - 1))),
    first: (i: number) => i * length,
    random: () => random.integer(room + 1),
  }[pick];
  const sequences = Array.from({ length: samples }, (_, i) => {
    const from = start(i);
    return tokens.slice(from, from + length);
  });
  return { sequences, digest: digest(sequences, length) };
}

/** sha256 over the window length and all ids, 32-bit little-endian. */
function digest(sequences: readonly Uint32Array[], length: number): string {
  const hash = createHash('sha256');
  const bytes = Buffer.alloc(4 * length);
  bytes.writeUInt32LE(length);
  hash.update(bytes.subarray(0, 4));
  for (const sequence of sequences) {
    sequence.forEach((token, i) => {
      bytes.writeUInt32LE(token, 4 * i);
    });
    hash.update(bytes);
  }
  return hash.digest('hex');
}
