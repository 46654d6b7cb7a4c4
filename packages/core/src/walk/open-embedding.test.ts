import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openEmbedding } from './open-embedding.ts';
import { memoryCheckpoint } from './overlay-checkpoint.ts';
import { toyModel } from './toy/toy-model.ts';

const kernels = createReferenceKernels();
const HIDDEN = 300;
const VOCABULARY = 2000;
const model = toyModel({ hidden: HIDDEN, inner: 1, vocabulary: VOCABULARY, blocks: 0 });
const [whole] = model.sections;

/** 2.4 MB: two pieces and a half. */
const table = Float32Array.from({ length: VOCABULARY * HIDDEN }, (_, i) => Math.sin(i));
const checkpoint = (shape = [VOCABULARY, HIDDEN], data = new Uint8Array(table.buffer)) =>
  memoryCheckpoint([{ name: 'embed.weight', dtype: 'F32', shape, byteLength: data.byteLength, data }], 'here');

async function embed(tokens: Uint32Array, section = { ...whole, tokenTable: 'embed.weight' }, from = checkpoint()) {
  const hidden = kernels.matrix(tokens.length, HIDDEN);
  const given = { model, section, checkpoint: from, tokens: [tokens], kernels, running: kernels };
  const program = await openEmbedding(given);
  await program.embed!({ sequences: 1, length: tokens.length, tokens, hidden, state: new Map() });
  return hidden.data;
}

const row = (token: number) => Array.from(table.subarray(token * HIDDEN, (token + 1) * HIDDEN));

test('every token gets its own row, whichever others there are', async () => {
  const token = fc.nat({ max: VOCABULARY - 1 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(token, { minLength: 1, maxLength: 6 }), fc.array(fc.nat()), async (some, order) => {
      const tokens = Uint32Array.from([...some, ...order.map((i) => some[i % some.length])]);
      expect(Array.from(await embed(tokens))).toEqual(Array.from(tokens).flatMap(row));
    }),
    { numRuns: 20, examples: [[[0, VOCABULARY - 1], []]] },
  );
});

test('pieces of the file without a token are not read', async () => {
  const ranges: { start: number; end: number }[] = [];
  const base = checkpoint();
  const watched: typeof base = {
    ...base,
    read: (name, range) => {
      ranges.push(range!);
      return base.read(name, range);
    },
  };
  await embed(Uint32Array.of(5, 1999, 6), undefined, watched);
  const step = Math.floor(2 ** 20 / (4 * HIDDEN));
  expect(ranges).toEqual([
    { start: 5 * 4 * HIDDEN, end: (5 + step) * 4 * HIDDEN },
    { start: 1999 * 4 * HIDDEN, end: 2000 * 4 * HIDDEN },
  ]);
});

test('an embedding without a token table is read whole', async () => {
  expect(Array.from(await embed(Uint32Array.of(7, 3, 7), whole as never))).toEqual([7, 3, 7].flatMap(row));
});

test('what is wrong is named', async () => {
  await expect(embed(Uint32Array.of(1, VOCABULARY))).rejects.toMatchObject({ code: 'token-unknown' });
  await expect(embed(Uint32Array.of(1), undefined, checkpoint([HIDDEN, VOCABULARY]))).rejects.toMatchObject({
    code: 'tensor-shape',
    place: { tensor: 'embed.weight' },
  });
  const broken = table.slice();
  broken[3 * HIDDEN] = Number.NaN;
  const bytes = new Uint8Array(broken.buffer);
  await expect(embed(Uint32Array.of(3), undefined, checkpoint(undefined, bytes))).rejects.toMatchObject({
    code: 'tensor-not-finite',
  });
  await expect(embed(Uint32Array.of(4), undefined, checkpoint(undefined, bytes))).resolves.toHaveLength(HIDDEN);
});
