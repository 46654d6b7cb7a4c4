import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompressError } from '../errors.ts';
import { parseSafetensorsHeader, safetensorsHeaderLength } from './safetensors-header.ts';

/** As a file's reader does it, on bytes in memory. */
function parse(file: Uint8Array) {
  const length = safetensorsHeaderLength(file.subarray(0, 8), file.byteLength, 'file');
  return parseSafetensorsHeader(file.subarray(8, 8 + length), file.byteLength, 'file');
}

/** A file with this header and a buffer of `data` bytes; `claim` is the header length that it pretends to have. */
function file(header: string | Uint8Array, data = 0, claim?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.byteLength + data);
  new DataView(bytes.buffer).setBigUint64(0, claim ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

function codeOf(bytes: Uint8Array): string {
  try {
    parse(bytes);
    return 'valid';
  } catch (error) {
    if (error instanceof CompressError) return error.code.replace('safetensors-', '');
    throw error;
  }
}

const entry = (shape: string, offsets: string, dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe('accepts', () => {
  it.each<[string, string, number]>([
    ['no tensors', '{}', 0],
    ['scalars and empty dimensions', `{"a":${entry('[]', '[0,1]')},"b":${entry('[3,0]', '[1,1]')}}`, 1],
    [
      'any order of entries and keys',
      `{"b":{"data_offsets":[1,3],"shape":[2],"dtype":"I8"},"a":${entry('[1]', '[0,1]')}}`,
      3,
    ],
    ['white space inside the JSON and spaces behind it', `{ "a" :\n\t${entry('[ 1 ]', '[ 0 , 1 ]')} }   `, 1],
    ['strings as metadata', '{"__metadata__":{"format":"pt","x":"\\u00e9\\n"}}', 0],
    [
      'sub-byte dtypes that fill whole bytes',
      `{"a":${entry('[4]', '[0,3]', 'F6_E2M3')},"b":${entry('[2]', '[3,4]', 'F4')}}`,
      4,
    ],
    ['many empty tensors at one place', `{"a":${entry('[0]', '[0,0]')},"b":${entry('[0]', '[0,0]')}}`, 0],
  ])('%s', (_, header, data) => expect(codeOf(file(header, data))).toBe('valid'));

  it('names that mean something to JavaScript, as names and nothing else', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'valueOf'];
    const header = `{${names.map((name, i) => `"${name}":${entry('[1]', `[${i},${i + 1}]`)}`)}}`;
    const { tensors } = parse(file(header, 4));
    expect([...tensors.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it('gives tensors in the order of the buffer, with positions in the file', () => {
    const header = `{"b":${entry('[2]', '[1,3]')},"a":${entry('[1]', '[0,1]')}}`;
    const { tensors } = parse(file(header, 3));
    expect([...tensors.values()]).toEqual([
      { name: 'a', dtype: 'U8', shape: [1], byteLength: 1, start: 8 + header.length },
      { name: 'b', dtype: 'U8', shape: [2], byteLength: 2, start: 9 + header.length },
    ]);
  });
});

const OVERFLOW = Number.MAX_SAFE_INTEGER;

describe('refuses', () => {
  it.each<[string, string, Uint8Array]>([
    ['an empty file', 'header-too-small', new Uint8Array()],
    ['a file of 7 bytes', 'header-too-small', new Uint8Array(7)],
    ['a header length of 2^64 - 1', 'header-too-large', file('{}', 0, 2n ** 64n - 1n)],
    ['a header over 100 MB', 'header-too-large', file('{}', 0, 100_000_001n)],
    ['a header longer than the file', 'header-length', file('{}', 0, 3n)],
    ['an empty header', 'header-json', file('')],
    ['a header that does not begin with {', 'header-json', file(' {}')],
    ['a byte order mark', 'header-json', file('\ufeff{}')],
    ['an array', 'header-json', file('[]')],
    ['bytes that are not UTF-8', 'header-utf8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d))],
    ['a header without end', 'header-json', file('{"a":{"dtype"')],
    ['a trailing comma', 'header-json', file(`{"a":${entry('[0]', '[0,0]')},}`)],
    ['a comment', 'header-json', file('{/**/}')],
    ['single quotes', 'header-json', file("{'a':1}")],
    ['a control character in a name', 'header-json', file('{"\n":0}')],
    ['half of a surrogate pair', 'header-json', file(`{"\\ud800":${entry('[0]', '[0,0]')}}`)],
    ['an unknown escape', 'header-json', file(`{"\\x":${entry('[0]', '[0,0]')}}`)],
    ['another padding than spaces', 'header-json', file('{}\n')],
    ['a second value behind the header', 'header-json', file('{}{}')],
    ['zero bytes as padding', 'header-json', file('{}\0\0')],
    ['a number with a leading 0', 'header-json', file(`{"a":${entry('[01]', '[0,1]')}}`, 1)],
    ['a tensor name twice', 'duplicate-key', file(`{"a":${entry('[1]', '[0,1]')},"a":${entry('[1]', '[0,1]')}}`, 1)],
    [
      'a tensor name twice, once escaped',
      'duplicate-key',
      file(`{"a":${entry('[0]', '[0,0]')},"\\u0061":${entry('[0]', '[0,0]')}}`),
    ],
    [
      'a key of an entry twice',
      'duplicate-key',
      file('{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1),
    ],
    ['__metadata__ twice', 'duplicate-key', file('{"__metadata__":{},"__metadata__":{}}')],
    ['a key of __metadata__ twice', 'duplicate-key', file('{"__metadata__":{"a":"1","a":"2"}}')],
    ['metadata that is no object', 'metadata', file('{"__metadata__":[]}')],
    ['metadata that is no string', 'metadata', file('{"__metadata__":{"a":1}}')],
    ['nested metadata', 'metadata', file('{"__metadata__":{"a":{}}}')],
    ['an entry that is no object', 'entry', file('{"a":[]}')],
    ['an entry without dtype', 'entry', file('{"a":{"shape":[],"data_offsets":[0,1]}}', 1)],
    ['an entry without shape', 'entry', file('{"a":{"dtype":"U8","data_offsets":[0,1]}}', 1)],
    ['an entry without data_offsets', 'entry', file('{"a":{"dtype":"U8","shape":[]}}', 1)],
    [
      'an entry with another key',
      'entry',
      file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"strides":[]}}', 1),
    ],
    ['one offset', 'entry', file(`{"a":${entry('[1]', '[0]')}}`, 1)],
    ['three offsets', 'entry', file(`{"a":${entry('[1]', '[0,1,1]')}}`, 1)],
    ['a dtype that is no string', 'entry', file('{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}', 1)],
    ['a shape that is no array', 'entry', file('{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}', 1)],
    ['an unknown dtype', 'dtype', file(`{"a":${entry('[1]', '[0,1]', 'F7')}}`, 1)],
    ['a dtype of Object.prototype', 'dtype', file(`{"a":${entry('[1]', '[0,1]', 'toString')}}`, 1)],
    ['a negative offset', 'integer', file(`{"a":${entry('[1]', '[-1,0]')}}`, 1)],
    ['a fractional offset', 'integer', file(`{"a":${entry('[1]', '[0,1.0]')}}`, 1)],
    ['an offset with an exponent', 'integer', file(`{"a":${entry('[1]', '[0,1e0]')}}`, 1)],
    ['an offset beyond 2^53 - 1', 'integer', file(`{"a":${entry('[1]', `[0,${2n ** 53n}]`)}}`, 1)],
    ['a dimension beyond 2^53 - 1', 'integer', file(`{"a":${entry(`[${2n ** 64n}]`, '[0,1]')}}`, 1)],
    ['a negative dimension', 'integer', file(`{"a":${entry('[-1]', '[0,1]')}}`, 1)],
    ['offsets that run backwards', 'offsets', file(`{"a":${entry('[1]', '[0,1]')},"b":${entry('[1]', '[1,0]')}}`, 1)],
    ['a hole before the first tensor', 'offsets', file(`{"a":${entry('[1]', '[1,2]')}}`, 2)],
    ['a hole between tensors', 'offsets', file(`{"a":${entry('[1]', '[0,1]')},"b":${entry('[1]', '[2,3]')}}`, 3)],
    ['overlapping tensors', 'offsets', file(`{"a":${entry('[2]', '[0,2]')},"b":${entry('[2]', '[1,3]')}}`, 3)],
    [
      'two tensors over the same bytes',
      'offsets',
      file(`{"a":${entry('[1]', '[0,1]')},"b":${entry('[1]', '[0,1]')}}`, 1),
    ],
    ['offsets that do not match the shape', 'size', file(`{"a":${entry('[2]', '[0,1]')}}`, 1)],
    ['offsets that do not match the dtype', 'size', file(`{"a":${entry('[1]', '[0,1]', 'F32')}}`, 1)],
    ['a product of dimensions that overflows', 'overflow', file(`{"a":${entry(`[${OVERFLOW},2]`, '[0,1]')}}`, 1)],
    ['an overflow that a zero would hide', 'overflow', file(`{"a":${entry(`[${OVERFLOW},2,0]`, '[0,0]')}}`)],
    ['bits that overflow', 'overflow', file(`{"a":${entry(`[${OVERFLOW}]`, '[0,1]', 'F64')}}`, 1)],
    ['sub-byte values that do not fill bytes', 'misaligned', file(`{"a":${entry('[3]', '[0,2]', 'F4')}}`, 2)],
    ['trailing bytes', 'buffer', file(`{"a":${entry('[1]', '[0,1]')}}`, 2)],
    ['missing bytes', 'buffer', file(`{"a":${entry('[2]', '[0,2]')}}`, 1)],
    ['bytes behind an empty header', 'buffer', file('{}', 1)],
  ])('%s', (_, code, bytes) => expect(codeOf(bytes)).toBe(code));

  it('50,000 tensors over the same bytes', () => {
    const entries = Array.from({ length: 50_000 }, (_, i) => `"${i}":${entry('[4]', '[0,4]')}`);
    expect(codeOf(file(`{${entries}}`, 4))).toBe('offsets');
  });

  it('10 million entries in a header of almost 100 MB', () => {
    const header = new Uint8Array(99_999_999).fill(0x20);
    header.set(new TextEncoder().encode(`{"a":${entry('[0]', '[0,0]')}${',"a":0'.repeat(10_000_000)}}`));
    expect(codeOf(file(header))).toBe('duplicate-key');
  });

  it('with a message that names file and tensor and is short, however long the name', () => {
    const bytes = file(`{"${'n'.repeat(1_000_000)}":${entry('[1]', '[0,1]', 'F32')}}`, 1);
    expect(() => parse(bytes)).toThrow(/^file: n{200}\.{3}: Shape \[1\] of F32 needs 4 bytes, data_offsets give 1\.$/);
  });
});

/** A valid file with some of everything, mutated: bytes set, removed, inserted, doubled, tokens swapped, the length changed. */
describe('mutated files', () => {
  const header =
    `{"__metadata__":{"format":"pt","note":"a \\"quoted\\" \\u00e9"},"w":${entry('[2,3]', '[0,24]', 'F32')},` +
    `"h":${entry('[4]', '[24,32]', 'BF16')},"e":${entry('[0,7]', '[32,32]', 'I64')},"s":${entry('[]', '[32,33]', 'BOOL')},` +
    `"q":${entry('[2,4]', '[33,37]', 'F4')}}   `;
  const valid = file(header, 37);
  const TOKENS = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    ' ',
    '0',
    '9',
    '-',
    '.',
    'e',
    '1e9',
    '\\ud800',
    'null',
    '"w":',
    '\0',
    '\xff',
  ];

  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(valid.length - 1), value: fc.nat(255) }),
    fc.record({
      kind: fc.constant('remove' as const),
      at: fc.nat(valid.length - 1),
      count: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.nat(valid.length - 1),
      token: fc.constantFrom(...TOKENS),
    }),
    fc.record({
      kind: fc.constant('repeat' as const),
      at: fc.nat(valid.length - 1),
      count: fc.integer({ min: 1, max: 80 }),
    }),
    fc.record({ kind: fc.constant('digit' as const), at: fc.nat(valid.length - 1), value: fc.nat(9) }),
  );

  function mutate(bytes: Uint8Array, m: typeof mutation extends fc.Arbitrary<infer M> ? M : never): Uint8Array {
    const [before, after] = [bytes.subarray(0, m.at), bytes.subarray(m.at)];
    switch (m.kind) {
      case 'set':
        return Uint8Array.of(...before, m.value, ...after.subarray(1));
      case 'remove':
        return Uint8Array.of(...before, ...after.subarray(m.count));
      case 'insert':
        return Uint8Array.of(...before, ...Buffer.from(m.token, 'latin1'), ...after);
      case 'repeat':
        return Uint8Array.of(...before, ...after.subarray(0, m.count), ...after);
      case 'digit': {
        // The next digit becomes another: offsets, shapes and dtypes that are still valid JSON.
        const next = after.findIndex((byte) => byte >= 0x30 && byte <= 0x39);
        const copy = Uint8Array.from(bytes);
        if (next >= 0) copy[m.at + next] = 0x30 + m.value;
        return copy;
      }
    }
  }

  it('are valid or one CompressError, and what is valid tiles the file', () => {
    expect(codeOf(valid)).toBe('valid');
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), (mutations, mendLength) => {
        let bytes = valid;
        for (const m of mutations) bytes = mutate(bytes, m);
        // Half of the time the length is made to fit, or most mutations would end at the first check.
        if (mendLength && bytes.length >= 8 + 37) {
          bytes = Uint8Array.from(bytes);
          new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8 - 37), true);
        }
        const code = codeOf(bytes);
        outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
        if (code !== 'valid') return;
        const { tensors } = parse(bytes);
        let end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
        for (const { start, byteLength } of tensors.values()) {
          expect(start).toBe(end);
          end += byteLength;
        }
        expect(end).toBe(bytes.length);
      }),
      { numRuns: 40_000 },
    );
    // The mutations reach every layer of the parser, not only its first check.
    expect(outcomes.size).toBeGreaterThan(10);
  });
});
