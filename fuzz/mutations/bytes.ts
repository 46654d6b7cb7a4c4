import fc from 'fast-check';
import { hostileInteger } from './numbers.ts';

/** A change of a file's bytes. Positions are taken modulo what there is, so that a change means something to every file. */
export interface ByteMutation {
  readonly kind: 'flip' | 'set' | 'truncate' | 'remove' | 'repeat' | 'integer' | 'splice' | 'append';
  readonly at: number;
  readonly value: number;
}

const word = fc.nat(0xffff_ffff);

export const byteMutation: fc.Arbitrary<ByteMutation> = fc.record({
  kind: fc.constantFrom(
    'flip',
    'set',
    'truncate',
    'remove',
    'repeat',
    'integer',
    'integer',
    'integer',
    'splice',
    'append',
  ),
  at: word,
  value: word,
});

/** Where a file keeps a number that its reader trusts or should not: a length, a count, an offset, a type. */
export interface IntegerField {
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** The file after one change; `fields` are the places that `integer` hits, anywhere where there are none. */
export function mutateBytes(bytes: Uint8Array, m: ByteMutation, fields: readonly IntegerField[] = []): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(m.value);
  const at = m.at % bytes.length;
  const count = 1 + (m.value % 64);
  switch (m.kind) {
    case 'flip':
      return bytes.with(at, bytes[at] ^ (1 << (m.value % 8)));
    case 'set':
      return bytes.with(at, m.value);
    case 'truncate':
      return Uint8Array.from(bytes.subarray(0, at));
    case 'remove':
      return join(bytes.subarray(0, at), bytes.subarray(at + count));
    case 'repeat':
      return join(bytes.subarray(0, at + count), bytes.subarray(at));
    case 'splice': {
      const from = m.value % bytes.length;
      const copy = Uint8Array.from(bytes);
      copy.set(bytes.subarray(from, Math.min(from + count, bytes.length - Math.max(0, at - from))), at);
      return copy;
    }
    case 'append':
      return join(bytes, new Uint8Array(count));
    case 'integer':
      return setInteger(bytes, fields.length === 0 ? { at, bytes: 4 } : fields[m.at % fields.length], m.value);
  }
}

function setInteger(bytes: Uint8Array, field: IntegerField, choice: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = copy.subarray(field.at, field.at + field.bytes);
  const before = place.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const after = BigInt.asUintN(64, hostileInteger(choice, before));
  place.forEach((_, i) => {
    place[i] = Number((after >> BigInt(8 * i)) & 255n);
  });
  return copy;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
