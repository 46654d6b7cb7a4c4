import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonScanner, type Json, JsonFault } from './json-scanner.ts';

function parse(text: string): Json {
  const scanner = createJsonScanner(new TextEncoder().encode(text));
  const value = scanner.value();
  scanner.end();
  return value;
}

/** What `JSON.parse` gives, with Maps for objects. */
function withMaps(value: unknown): Json {
  if (Array.isArray(value)) return value.map(withMaps);
  if (typeof value !== 'object' || value === null) return value as Json;
  return new Map(Object.entries(value).map(([key, inner]) => [key, withMaps(inner)]));
}

describe('value', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toEqual(withMaps(JSON.parse(text)));
      }),
    );
  });

  it('accepts what JSON.parse accepts, but for equal keys and broken surrogates', () => {
    const piece = fc.constantFrom(
      ...'{}[]":,\\ud8e0019-+.eE tfn\n\t'.split(''),
      'true',
      'null',
      '"a"',
      '\\u0041',
      '1e5',
      '{"a":1}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse(text)).toThrow(JsonFault);
          return;
        }
        let value: Json;
        try {
          value = parse(text);
        } catch (error) {
          expect(error instanceof JsonFault && (error.kind === 'duplicate' || text.includes('\\ud'))).toBe(true);
          return;
        }
        expect(value).toEqual(withMaps(expected));
      }),
      { numRuns: 20_000 },
    );
  });

  it('refuses equal keys at every level and says where', () => {
    expect(() => parse('{"a":{"b":1,"b":2}}')).toThrow(new JsonFault('duplicate', 'the key "b" is there twice', 12));
    const many = Array.from({ length: 20 }, (_, i) => `"${i % 19}":0`);
    expect(() => parse(`{${many}}`)).toThrow(/the key "0" is there twice/);
  });
});

it.each([
  ['0', 0],
  ['999999999999999', 999999999999999],
  ['1000000000000000', 1000000000000000],
  ['9007199254740991', 2 ** 53 - 1],
  ['9007199254740992', undefined],
  ['-1', undefined],
  ['-0', undefined],
  ['1.0', undefined],
  ['1e2', undefined],
])('natural reads %s as %s', (text, value) => {
  const scanner = createJsonScanner(new TextEncoder().encode(text));
  expect(scanner.natural()).toBe(value);
  scanner.end();
});

it.each(['01', '+1', '', '1x'])('natural takes %j for no number', (text) => {
  const scanner = createJsonScanner(new TextEncoder().encode(text));
  expect(() => {
    scanner.natural();
    scanner.end();
  }).toThrow(JsonFault);
});
