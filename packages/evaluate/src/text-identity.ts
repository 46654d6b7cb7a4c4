import { createHash } from 'node:crypto';
import { CompressError } from '@compress/core';
import type { Window, WindowOptions } from './plan-windows.ts';

/** What decides which tokens are scored and what they are scored from, as text: two scores are of the same thing where all of it is equal. */
export type TextIdentity = Readonly<Record<'tokens' | 'windows' | 'context' | 'stride' | 'scoreFrom' | 'bos', string>>;

/** How each part is called in a sentence. */
const NAMES: Readonly<Record<keyof TextIdentity, string>> = {
  tokens: 'text (sha256 of the token ids)',
  windows: 'number of windows',
  context: 'context',
  stride: 'stride',
  scoreFrom: 'position to score from',
  bos: 'beginning token',
};

/** The identity of windows that were cut with these options. `tokens` is the sha256 of all windows' ids, 32-bit little-endian. */
export function textIdentity(
  windows: readonly Window[],
  { context, stride, scoreFrom, bos }: WindowOptions,
): TextIdentity {
  const hash = createHash('sha256');
  for (const { tokens } of windows) hash.update(littleEndian(tokens));
  return {
    tokens: hash.digest('hex'),
    windows: String(windows.length),
    context: String(context),
    stride: String(stride ?? 'none'),
    scoreFrom: String(scoreFrom ?? 1),
    bos: String(bos ?? 'none'),
  };
}

/** Throws `CompressError` `code` that names what differs, where something does. */
export function requireSameText(
  wanted: TextIdentity,
  found: TextIdentity,
  place: { file: string; code: string },
): void {
  const differing = (Object.keys(NAMES) as (keyof TextIdentity)[]).filter((key) => wanted[key] !== found[key]);
  if (differing.length === 0) return;
  const said = differing.map((key) => `${NAMES[key]} is ${found[key]} there and ${wanted[key]} here`).join('; ');
  throw new CompressError(place.code, `This was made of other tokens: ${said}.`, { file: place.file });
}

/** The bytes of 32-bit integers in the order in which files have them. */
export function littleEndian(values: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return bytes;
}
