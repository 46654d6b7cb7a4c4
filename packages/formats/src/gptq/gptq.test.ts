import { type Grid, integerGrid, type QuantizedWeight, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, gptqWeight, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { gptq } from './gptq.ts';

const kernels = createReferenceKernels();

/** Codes, zero points and shapes of the golden vectors: 32 inputs in groups of 16. */
function goldenWeight(bits: number, outFeatures: number): QuantizedWeight {
  const codes = Uint8Array.from({ length: outFeatures * 32 }, (_, at) => {
    const [o, i] = [Math.floor(at / 32), at % 32];
    return (3 * i + 5 * o + 1) % 2 ** bits;
  });
  const zeros = Float32Array.from({ length: outFeatures * 2 }, (_, at) => {
    const [o, g] = [Math.floor(at / 2), at % 2];
    return (7 * g + o + 2) % 2 ** bits;
  });
  const scales = Float32Array.from({ length: outFeatures * 2 }, (_, at) => 2 ** ((at % 5) - 8));
  const group = Uint32Array.from({ length: 32 }, (_, c) => Math.floor(c / 16));
  const grid = integerGrid({ bits, symmetric: false });
  return { rows: outFeatures, columns: 32, grid, groupSize: 16, codes, scales: { groups: 2, scales, zeros, group } };
}

async function words(sources: readonly TensorSource[], suffix: string): Promise<string[]> {
  const bytes = await wholeBytes(sources.find(({ name }) => name === `layer.${suffix}`)!);
  return [...new Uint32Array(bytes.slice().buffer)].map((word) => word.toString(16).padStart(8, '0'));
}

/** Made with another packer: column 0 of qweight, row 0 of qzeros in both versions of the format. */
const GOLDEN = [
  { bits: 2, out: 32, qweight: 'b1b1b1b1 b1b1b1b1', v2: '4e4e4e4e 4e4e4e4e', v1: '39393939 39393939' },
  {
    bits: 3,
    out: 32,
    qweight: 'e1cc55e1 55e1cc55 cc55e1cc',
    v2: '1a23eb1a eb1a23eb 23eb1a23',
    v1: 'd11f58d1 58d11f58 1f58d11f',
  },
  { bits: 4, out: 8, qweight: '630da741 eb852fc9 630da741 eb852fc9', v2: '98765432', v1: '87654321' },
  {
    bits: 8,
    out: 8,
    qweight: '0a070401 1613100d 221f1c19 2e2b2825 3a373431 4643403d 524f4c49 5e5b5855',
    v2: '05040302 09080706',
    v1: '04030201 08070605',
  },
];

function configurationOf(bits: number, symmetric: boolean, groupSize: number) {
  const grid = integerGrid({ bits, symmetric });
  return gptq.configuration({ grid, groupSize, quantized: ['layer'], untouched: [] })!;
}

describe.each(GOLDEN)('golden vectors of $bits bits', ({ bits, out, qweight, v2, v1 }) => {
  const quantized = goldenWeight(bits, out);
  const sources = gptq.write({ spec: linearSpec(out, 32), quantized }, 'F16', kernels);

  it('are written', async () => {
    const column = (await words(sources, 'qweight')).filter((_, at) => at % out === 0);
    expect(column.join(' ')).toBe(qweight);
    expect((await words(sources, 'qzeros')).slice(0, (out * bits) / 32).join(' ')).toBe(v2);
  });

  it('are read back as (code - zero) * scale', async () => {
    const checkpoint = await gptq.open(await checkpointOf(sources), configurationOf(bits, false, 16));
    const weight = await readFloats(checkpoint, 'layer.weight');
    for (let o = 0; o < out; o++) {
      for (let i = 0; i < 32; i++) {
        const g = i < 16 ? 0 : 1;
        const code = (3 * i + 5 * o + 1) % 2 ** bits;
        const zero = (7 * g + o + 2) % 2 ** bits;
        expect(weight[o * 32 + i]).toBe((code - zero) * quantized.scales.scales[o * 2 + g]);
      }
    }
  });

  it('of version 1 are read, unless a zero point is all ones', async () => {
    const row = v1.split(' ').map((word) => Number.parseInt(word, 16));
    const stored = new Uint32Array([...row, ...row]);
    const version1 = sources.map((source) =>
      source.name === 'layer.qzeros' ? { ...source, bytes: async () => new Uint8Array(stored.buffer) } : source,
    );
    const configuration = { ...configurationOf(bits, false, 16), checkpoint_format: 'gptq' };
    const weight = readFloats(await gptq.open(await checkpointOf(version1), configuration), 'layer.weight', {
      start: 0,
      end: 4,
    });
    if (bits < 4) await expect(weight).rejects.toMatchObject({ code: 'gptq-zeros' });
    else expect((await weight)[0]).toBe((1 - 2) * quantized.scales.scales[0]);
  });
});

it.each([
  [2, '55555555'],
  [4, '77777777'],
  [8, '7f7f7f7f'],
])('symmetric zero points of %i bits are stored as %s', async (bits, word) => {
  const quantized = { ...goldenWeight(bits, 32), grid: integerGrid({ bits }) };
  quantized.scales.zeros.fill(2 ** (bits - 1));
  const sources = gptq.write({ spec: linearSpec(32, 32), quantized }, 'F16', kernels);
  expect(new Set(await words(sources, 'qzeros'))).toEqual(new Set([word]));
});

describe('round trip', () => {
  it('returns (code - zero) * scale for every width, symmetry, odd shape, group size and group map, by any range', async () => {
    await fc.assert(
      fc.asyncProperty(gptqWeight, fc.nat(), fc.nat(), async (quantized, a, b) => {
        const { rows, columns, grid, groupSize, scales } = quantized;
        const spec = linearSpec(rows, columns);
        expect(gptq.limit(spec, grid, groupSize)).toBeUndefined();
        const sources = gptq.write({ spec, quantized }, 'BF16', kernels);
        const reordered = scales.group.some((g, c) => g !== Math.floor(c / groupSize));
        const configuration = gptq.configuration({ grid, groupSize, reordered, quantized: ['layer'], untouched: [] })!;
        const checkpoint = await gptq.open(await checkpointOf(sources), JSON.parse(JSON.stringify(configuration)));

        expect([...checkpoint.tensors]).toEqual([
          [
            'layer.weight',
            {
              name: 'layer.weight',
              dtype: 'F32',
              shape: [rows, columns],
              byteLength: 4 * rows * columns,
              decoded: true,
              codedBytes: sources.reduce((sum, source) => sum + source.byteLength, 0),
            },
          ],
        ]);
        const weight = await readFloats(checkpoint, 'layer.weight');
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++) expect(weight[r * columns + c]).toBe(exactValue(quantized, r, c));
        }
        const [start, end] = [a % (weight.byteLength + 1), b % (weight.byteLength + 1)].sort((x, y) => x - y);
        const part = await checkpoint.read('layer.weight', { start, end });
        expect(Buffer.compare(part, new Uint8Array(weight.buffer).subarray(start, end))).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('has the size that was announced', async () => {
    await fc.assert(
      fc.asyncProperty(gptqWeight, async (quantized) => {
        const spec = linearSpec(quantized.rows, quantized.columns);
        const sources = gptq.write({ spec, quantized }, 'F16', kernels);
        let size = 0;
        for (const source of sources) {
          const { byteLength } = await wholeBytes(source);
          expect(byteLength).toBe(source.byteLength);
          size += byteLength;
        }
        expect(gptq.size(spec, quantized.grid, quantized.groupSize, 'F16')).toBe(size);
      }),
      { numRuns: 30 },
    );
  });

  it('passes other tensors and puts the weight where qweight was', async () => {
    const quantized = goldenWeight(4, 8);
    const bias: TensorSource = {
      name: 'layer.bias',
      dtype: 'U8',
      shape: [1],
      byteLength: 1,
      bytes: async () => Uint8Array.of(7),
    };
    const sources = [
      bias,
      ...gptq.write({ spec: linearSpec(8, 32), quantized }, 'F16', kernels),
      { ...bias, name: 'norm' },
    ];
    const checkpoint = await gptq.open(await checkpointOf(sources), configurationOf(4, false, 16));
    expect([...checkpoint.tensors.keys()]).toEqual(['layer.bias', 'layer.weight', 'norm']);
    expect(await checkpoint.read('norm')).toEqual(Uint8Array.of(7));
    await expect(checkpoint.read('layer.qweight')).rejects.toMatchObject({ code: 'tensor-missing' });
    await expect(checkpoint.read('layer.weight', { start: 0, end: 4 * 256 + 1 })).rejects.toMatchObject({
      code: 'range-invalid',
    });
  });
});

it.each<[string, Partial<QuantizedWeight['scales']>, Grid]>([
  ['a scale that f16 cannot hold', { scales: Float32Array.of(1 / 3, 1, 1, 1, 1, 1, 1, 1) }, integerGrid({ bits: 4 })],
  ['a scale of 0', { scales: new Float32Array(8) }, integerGrid({ bits: 4 })],
  ['an infinite scale', { scales: new Float32Array(8).fill(Number.POSITIVE_INFINITY) }, integerGrid({ bits: 4 })],
  ['a scale that is NaN', { scales: new Float32Array(8).fill(Number.NaN) }, integerGrid({ bits: 4 })],
  ['a symmetric zero point off the middle', { zeros: new Float32Array(8).fill(7) }, integerGrid({ bits: 4 })],
  ['a zero point below 0', { zeros: new Float32Array(8).fill(-1) }, integerGrid({ bits: 4, symmetric: false })],
  [
    'a zero point beyond the codes',
    { zeros: new Float32Array(8).fill(16) },
    integerGrid({ bits: 4, symmetric: false }),
  ],
  ['a fractional zero point', { zeros: new Float32Array(8).fill(0.5) }, integerGrid({ bits: 4, symmetric: false })],
])('does not write %s', async (_, part, grid) => {
  const sound = quantizedWeight({ rows: 8, groups: 1, groupSize: 8, grid, seed: 1 });
  const sources = gptq.write(
    { spec: linearSpec(8, 8), quantized: { ...sound, scales: { ...sound.scales, ...part } } },
    'F16',
    kernels,
  );
  await expect(Promise.all(sources.map(wholeBytes))).rejects.toMatchObject({ code: 'not-representable' });
});

const int4 = integerGrid({ bits: 4 });
it.each<[string, number, number, Grid, number, RegExp | undefined]>([
  ['576 columns in groups of 64', 1536, 576, int4, 64, undefined],
  ['one group a row', 8, 24, int4, 24, undefined],
  ['576 columns in groups of 128', 1536, 576, int4, 128, /groups of 128/],
  ['rows that do not fill words', 12, 64, int4, 64, /12 output features/],
  ['columns that do not fill words', 16, 12, int4, 12, /12 input features/],
  ['3 bits of 48 columns', 32, 48, integerGrid({ bits: 3 }), 48, /packs 32 codes together, and 48 input/],
  ['5 bits', 32, 32, integerGrid({ bits: 5 }), 32, /2, 3, 4 or 8 bits, not 5/],
  ['f32 scales', 32, 32, integerGrid({ bits: 4, scaleType: 'f32' }), 32, /f16, not f32/],
  ['a table', 32, 32, { ...int4, name: 'nf4', codes: { kind: 'table', levels: new Float32Array(16) } }, 32, /not nf4/],
])('limit of %s', (_, rows, columns, grid, groupSize, message) => {
  const objection = gptq.limit(linearSpec(rows, columns), grid, groupSize);
  if (message === undefined) expect(objection).toBeUndefined();
  else expect(objection).toMatchObject({ layer: 'layer', message: expect.stringMatching(message) });
});
