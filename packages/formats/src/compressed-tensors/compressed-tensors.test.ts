import { type Grid, integerGrid, type QuantizedWeight, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';

const kernels = createReferenceKernels();

const open = async (sources: readonly TensorSource[], grid: Grid, groupSize: number) => {
  const configuration = compressedTensors.configuration({ grid, groupSize, quantized: ['layer'], untouched: [] });
  return compressedTensors.open(await checkpointOf(sources), JSON.parse(JSON.stringify(configuration)));
};

async function words(sources: readonly TensorSource[], suffix: string): Promise<string> {
  const bytes = await wholeBytes(sources.find(({ name }) => name === `layer.${suffix}`)!);
  return [...new Uint32Array(bytes.slice().buffer)].map((word) => word.toString(16).padStart(8, '0')).join(' ');
}

/** Codes of the library's own packer, signed. */
const GOLDEN = [
  { bits: 4, codes: [-8, -7, -1, 0, 1, 2, 3, 7], packed: 'fba98710' },
  { bits: 3, codes: [-4, -3, -2, -1, 0, 1, 2, 3, -4, -3, -2], packed: '88fac688 00000000' },
];

describe.each(GOLDEN)('golden vector of $bits bits', ({ bits, codes, packed }) => {
  const middle = 2 ** (bits - 1);
  const stored = Uint8Array.from(codes, (code) => code + middle);
  const count = codes.length;

  it('is written and read, along a row', async () => {
    const grid = integerGrid({ bits });
    const group = new Uint32Array(count);
    const scales = { groups: 1, scales: Float32Array.of(0.5), zeros: Float32Array.of(middle), group };
    const quantized = { rows: 1, columns: count, grid, groupSize: count, codes: stored, scales };
    const sources = compressedTensors.write({ spec: linearSpec(1, count), quantized }, 'F16', kernels);
    expect(await words(sources, 'weight_packed')).toBe(packed);
    expect(await words(sources, 'weight_shape')).toBe(
      `00000001 00000000 ${count.toString(16).padStart(8, '0')} 00000000`,
    );
    const weight = await readFloats(await open(sources, grid, count), 'layer.weight');
    expect([...weight]).toEqual(codes.map((code) => 0.5 * code));
  });

  it('is written and read as zero points, along the rows', async () => {
    const grid = integerGrid({ bits, symmetric: false });
    const zeros = Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === 0 ? stored[at >> 1] : 0));
    const scales = { groups: 2, scales: new Float32Array(2 * count).fill(1), zeros, group: Uint32Array.of(0, 1) };
    const quantized = { rows: count, columns: 2, grid, groupSize: 1, codes: new Uint8Array(2 * count), scales };
    const sources = compressedTensors.write({ spec: linearSpec(count, 2), quantized }, 'F16', kernels);
    const interleaved = packed.split(' ').flatMap((word) => [word, '00000000']);
    expect(await words(sources, 'weight_zero_point')).toBe(interleaved.join(' '));
    const weight = await readFloats(await open(sources, grid, 1), 'layer.weight');
    expect([...weight]).toEqual([...zeros].map((zero) => 0 - zero));
  });
});

/** Weights that the format can hold: everything is odd, but that one group a row fills words. */
const packedWeight = fc
  .record({
    bits: fc.integer({ min: 2, max: 8 }),
    symmetric: fc.boolean(),
    scaleType: fc.constantFrom('f16', 'bf16'),
    rows: fc.integer({ min: 1, max: 40 }),
    groups: fc.integer({ min: 1, max: 5 }),
    groupSize: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  })
  .map(({ bits, symmetric, scaleType, rows, groups, groupSize, seed }) => {
    const grid = integerGrid({ bits, symmetric, scaleType });
    const fills = groups > 1 || (groupSize * bits) % 32 === 0;
    const quantized = quantizedWeight({ rows, groups, groupSize: fills ? groupSize : 32, grid, seed });
    if (scaleType === 'bf16') {
      const halves = new Uint32Array(quantized.scales.scales.buffer);
      for (let i = 0; i < halves.length; i++) halves[i] = (halves[i] & 0xffff0000) >>> 0;
    }
    return quantized;
  });

describe('round trip', () => {
  it('returns (code - zero) * scale for every width, symmetry, odd shape and group size, by any range', async () => {
    await fc.assert(
      fc.asyncProperty(packedWeight, fc.boolean(), fc.nat(), fc.nat(), async (quantized, channel, a, b) => {
        const { rows, columns, grid, groupSize, scales } = quantized;
        const spec = linearSpec(rows, columns);
        expect(compressedTensors.limit(spec, grid, groupSize)).toBeUndefined();
        const sources = compressedTensors.write({ spec, quantized }, 'BF16', kernels);
        const checkpoint = await open(sources, grid, channel && scales.groups === 1 ? -1 : groupSize);
        const byteLength = 4 * rows * columns;
        const codedBytes = sources.reduce((sum, source) => sum + source.byteLength, 0);
        expect([...checkpoint.tensors.values()]).toEqual([
          { name: 'layer.weight', dtype: 'F32', shape: [rows, columns], byteLength, decoded: true, codedBytes },
        ]);
        const weight = await readFloats(checkpoint, 'layer.weight');
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++)
            if (weight[r * columns + c] !== exactValue(quantized, r, c)) expect.fail(`row ${r}, column ${c}`);
        const [start, end] = [a % (byteLength + 1), b % (byteLength + 1)].sort((x, y) => x - y);
        const part = await checkpoint.read('layer.weight', { start, end });
        expect(Buffer.compare(part, new Uint8Array(weight.buffer).subarray(start, end))).toBe(0);

        let size = 0;
        for (const source of sources) {
          const bytes = await wholeBytes(source);
          expect(bytes.byteLength).toBe(source.byteLength);
          size += bytes.byteLength;
        }
        expect(compressedTensors.size(spec, grid, groupSize, 'F32')).toBe(size);
      }),
      { numRuns: 150 },
    );
  });

  it('stores scales in the type of the grid, whatever the checkpoint has', () => {
    for (const [scaleType, dtype] of [
      ['f16', 'F16'],
      ['bf16', 'BF16'],
    ] as const) {
      const quantized = quantizedWeight({
        rows: 4,
        groups: 2,
        groupSize: 8,
        grid: integerGrid({ bits: 4, scaleType }),
        seed: 1,
      });
      const sources = compressedTensors.write({ spec: linearSpec(4, 16), quantized }, 'F32', kernels);
      expect(sources.map((source) => `${source.name} ${source.dtype} ${source.shape}`)).toEqual([
        'layer.weight_packed I32 4,2',
        `layer.weight_scale ${dtype} 4,2`,
        'layer.weight_shape I64 2',
      ]);
    }
  });
});

const int4 = integerGrid({ bits: 4 });
const asymmetric = integerGrid({ bits: 4, symmetric: false });

it.each<[string, Partial<QuantizedWeight['scales']>, Grid]>([
  ['a scale that f16 cannot hold', { scales: Float32Array.of(1 / 3, 1, 1, 1) }, int4],
  [
    'a scale that bf16 cannot hold',
    { scales: Float32Array.of(1 + 2 ** -9, 1, 1, 1) },
    integerGrid({ bits: 4, scaleType: 'bf16' }),
  ],
  ['a scale of 0', { scales: new Float32Array(4) }, int4],
  ['a symmetric zero point off the middle', { zeros: new Float32Array(4).fill(7) }, int4],
  ['a fractional zero point', { zeros: new Float32Array(4).fill(0.5) }, asymmetric],
  ['a zero point beyond the codes', { zeros: new Float32Array(4).fill(16) }, asymmetric],
  ['groups that do not follow the columns', { group: Uint32Array.of(0, 1, 0, 1, 0, 1, 0, 1) }, int4],
])('does not write %s', async (_, part, grid) => {
  const sound = quantizedWeight({ rows: 2, groups: 2, groupSize: 4, grid, seed: 1 });
  const quantized = { ...sound, scales: { ...sound.scales, ...part } };
  const sources = compressedTensors.write({ spec: linearSpec(2, 8), quantized }, 'F16', kernels);
  await expect(Promise.all(sources.map(wholeBytes))).rejects.toMatchObject({ code: 'not-representable' });
});

it.each<[string, number, Grid, number, RegExp | undefined]>([
  ['576 columns in groups of 64', 576, int4, 64, undefined],
  ['one group a row', 576, int4, 576, undefined],
  ['5 bits', 96, integerGrid({ bits: 5 }), 32, undefined],
  ['groups that fill no words', 30, int4, 10, undefined],
  ['one group a row that fills no words', 30, int4, 30, /30 codes of 4 bits do not fill words/],
  ['576 columns in groups of 128', 576, int4, 128, /groups of 128/],
  ['f32 scales', 32, integerGrid({ bits: 4, scaleType: 'f32' }), 32, /f16 or bf16, not f32/],
  ['nested scales', 32, integerGrid({ bits: 4, nested: 'tensor' }), 32, /f16 or bf16, not e4m3/],
  [
    'a table',
    32,
    { ...int4, name: 'nf4', codes: { kind: 'table', levels: new Float32Array(16) } },
    32,
    /not nf4: write it as dense/,
  ],
  ['9 bits', 32, { ...int4, bits: 9, codes: { kind: 'integer', maxCode: 511 } }, 32, /vLLM runs 4 and 8\), not 9/],
])('limit of %s', (_, columns, grid, groupSize, message) => {
  const objection = compressedTensors.limit(linearSpec(7, columns), grid, groupSize);
  if (message === undefined) expect(objection).toBeUndefined();
  else expect(objection).toMatchObject({ layer: 'layer', message: expect.stringMatching(message) });
});

it('refuses an index of groups, Conv1D and names without .weight', () => {
  expect(compressedTensors.limit(linearSpec(8, 64), int4, 32, true)?.message).toMatch(/act-static/);
  expect(compressedTensors.limit(linearSpec(8, 64, true), int4, 32)?.message).toMatch(/Conv1D/);
  const spec = { ...linearSpec(8, 64), weight: 'experts' };
  expect(compressedTensors.limit(spec, int4, 32)?.message).toMatch(/not after experts/);
});
