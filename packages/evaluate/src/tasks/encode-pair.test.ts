import { expect, test } from 'vitest';
import { encodePair } from './encode-pair.ts';

const vocabulary = ['the', ' union', ' un', 'ion', ' ', '  ', 'un', 's', ' states', 'uns', '!'];

/** The longest piece each time. */
function encode(text: string): Uint32Array {
  const ids: number[] = [];
  for (let rest = text; rest !== ''; ) {
    const fitting = vocabulary.filter((piece) => rest.startsWith(piece)).sort((a, b) => b.length - a.length);
    if (fitting.length === 0) throw new Error(`no piece for ${rest}`);
    ids.push(vocabulary.indexOf(fitting[0]));
    rest = rest.slice(fitting[0].length);
  }
  return Uint32Array.from(ids);
}

const pieces = (context: string, continuation: string) => {
  const pair = encodePair(encode, context, continuation);
  return [pair.context, pair.continuation].map((ids) => [...ids].map((id) => vocabulary[id]));
};

test('both sides, encoded together', () => {
  expect(pieces('the', ' union')).toEqual([['the'], [' union']]);
  expect(pieces('the union', ' states!')).toEqual([
    ['the', ' union'],
    [' states', '!'],
  ]);
});

test('spaces at the end of the context go to the continuation', () => {
  expect(pieces('the ', 'union')).toEqual([['the'], [' union']]);
  expect(pieces('the  ', 'un!')).toEqual([['the'], ['  ', 'un', '!']]);
});

test('a token across the border falls to the side where its place is', () => {
  // Alone " un" is one token; together it is the beginning of " union".
  expect(pieces('the un', 'ion')).toEqual([['the', ' union'], []]);
  expect(pieces('un', 's!')).toEqual([['uns'], ['!']]);
});

test('without a context all is continuation', () => {
  expect(pieces('', 'the')).toEqual([[], ['the']]);
  expect(pieces(' ', 'union')).toEqual([[], [' union']]);
});
