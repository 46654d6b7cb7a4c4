import type { IntegerField } from './bytes.ts';

/** Where the records of a zip archive have their sizes, counts and offsets, by the signature that each begins with (APPNOTE 4.3). */
const RECORDS: readonly (readonly [signature: number, fields: readonly IntegerField[]])[] = [
  [0x04034b50, [8, 26, 28].map((at) => ({ at, bytes: 2 }) as const)],
  [
    0x02014b50,
    [
      ...[8, 10, 28, 30, 32].map((at) => ({ at, bytes: 2 }) as const),
      ...[20, 24, 42].map((at) => ({ at, bytes: 4 }) as const),
    ],
  ],
  [0x06064b50, [24, 32, 40, 48].map((at) => ({ at, bytes: 8 }) as const)],
  [0x07064b50, [{ at: 8, bytes: 8 }]],
  [
    0x06054b50,
    [...[10, 20].map((at) => ({ at, bytes: 2 }) as const), ...[12, 16].map((at) => ({ at, bytes: 4 }) as const)],
  ],
];
/** A pickle is a program without fields: each of its bytes is as good as any. */
const PICKLE_BYTES = 600;

/** Fields of an archive that torch wrote, and bytes of the pickle that it begins with: about as many of one as of the other. */
export function zipFields(file: Uint8Array): IntegerField[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const fields: IntegerField[] = [];
  for (let at = 0; at + 4 <= file.length; at++) {
    if (file[at] !== 0x50) continue;
    const record = RECORDS.find(([signature]) => signature === view.getUint32(at, true));
    for (const field of record?.[1] ?? []) fields.push({ at: at + field.at, bytes: field.bytes });
  }
  const pickle = Math.min(PICKLE_BYTES, fields.length);
  for (let i = 0; i < pickle; i++)
    fields.push({ at: 64 + Math.floor((i * PICKLE_BYTES) / pickle), bytes: i % 4 === 0 ? 4 : 1 });
  return fields.filter(({ at, bytes }) => at + bytes <= file.length);
}
