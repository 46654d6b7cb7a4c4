import assert from 'node:assert/strict';
import type { Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import type { ConformanceCase, ConformanceRequest } from './case.ts';
import { type SectionFixture, type SectionOutcome, sectionFixture, transformFixture } from './section-fixture.ts';
import { spec } from './site-fixture.ts';

/** What the walk, the report and later steps rely on where an algorithm transforms sections. */
export function sectionCases<Options>(
  { algorithm, createKernels }: ConformanceRequest<Options>,
  options: Options,
): ConformanceCase[] {
  async function outcome(fixture: SectionFixture, threads = 1): Promise<SectionOutcome> {
    const kernels = await createKernels(threads);
    try {
      return await transformFixture(algorithm, options, fixture, kernels);
    } finally {
      await kernels.close();
    }
  }
  /** Runs, and asserts all that holds on any input. */
  async function sound(fixture: SectionFixture): Promise<SectionOutcome> {
    const result = await outcome(fixture);
    assertSound(fixture, result);
    return result;
  }
  const observing = (algorithm.observes?.(options) ?? []).length > 0;

  return [
    {
      name: 'gives the same bits on 1 and 2 threads',
      run: async () =>
        assert.deepEqual(plain(await outcome(sectionFixture(), 2)), plain(await outcome(sectionFixture(), 1))),
    },
    {
      name: 'objects by name to a Linear that it cannot treat, or treats it',
      run: async () => {
        const objection = algorithm.check?.(spec('odd', 8, 127), options);
        if (objection) assert.equal(objection.layer, 'odd');
        for (const linear of sectionFixture().section.sites.flatMap(({ linears }) => linears))
          assert.equal(algorithm.check?.(linear, options), undefined);
      },
    },
    {
      name: 'meets channels that are always 0',
      run: async () => {
        const fixture = sectionFixture();
        for (const { columns, data } of fixture.activations.values())
          for (let i = 0; i < data.length; i++) if ((i % columns) % 40 === 3) data[i] = 0;
        await sound(fixture);
        const silent = sectionFixture();
        for (const { data } of silent.activations.values()) data.fill(0);
        await sound(silent);
      },
    },
    {
      name: 'meets rows of one constant, and keeps zeros',
      run: async () => {
        const fixture = sectionFixture();
        const { data, columns } = fixture.weights.linears.get('out')!.weight;
        data.fill(0, 0, 2 * columns);
        data.fill(0.3, 2 * columns, 3 * columns);
        const { weights } = await sound(fixture);
        assert.ok(
          weights.linears
            .get('out')!
            .weight.data.subarray(0, 2 * columns)
            .every((value) => value === 0),
        );
      },
    },
    {
      name: 'calibrates scales of activations such that the largest one becomes the largest code',
      run: async () => {
        const fixture = sectionFixture();
        const before = new Map([...fixture.weights.linears].map(([name, { weight }]) => [name, weight.data.slice()]));
        const { weights } = await sound(fixture);
        for (const { name, linears } of fixture.section.sites) {
          const quantizer = weights.inference.sites.get(name)?.quantizer;
          if (typeof quantizer?.scale !== 'number') continue;
          // What a channel was divided by is what its weights were multiplied by.
          const divisors = columnFactors(before.get(linears[0].name)!, weights.linears.get(linears[0].name)!.weight);
          const { data, columns } = fixture.activations.get(name)!;
          const largest = data.reduce((most, x, i) => Math.max(most, Math.abs(x / divisors[i % columns])), 0);
          const codes = largest / quantizer.scale / (2 ** (quantizer.bits - 1) - 1);
          assert.ok(Math.abs(codes - 1) < 1e-4, `the largest activation of ${name} is ${codes} of the largest code`);
        }
      },
    },
    { name: 'meets a calibration of one token', run: async () => void (await sound(sectionFixture(1))) },
    {
      name: 'meets a site that no token reached',
      run: async () => {
        const fixture = sectionFixture();
        const activations = new Map(fixture.activations).set('inner', {
          rows: 0,
          columns: 128,
          data: new Float32Array(),
        });
        const { warnings } = await sound({ ...fixture, activations });
        if (observing) assert.ok(warnings.length > 0, 'nothing was observed, and nothing said');
      },
    },
    {
      name: 'refuses weights that are no numbers, naming the layer, if it looks at weights',
      run: async () => {
        const fixture = sectionFixture();
        fixture.weights.linears.get('down')!.weight.data[17] = Number.NaN;
        try {
          await outcome(fixture);
        } catch (error) {
          if (!(error instanceof CompressError && error.place.layer === 'down')) throw error;
        }
      },
    },
  ];
}

/** By what each column was multiplied: seen at its largest weight. */
function columnFactors(before: Float32Array, { rows, columns, data }: Matrix): Float64Array {
  return Float64Array.from({ length: columns }, (_, c) => {
    const at = Array.from({ length: rows }, (_, r) => r * columns + c);
    const largest = at.reduce((most, i) => (Math.abs(before[i]) > Math.abs(before[most]) ? i : most));
    return data[largest] / before[largest];
  });
}

function assertSound({ section }: SectionFixture, { weights, figures, warnings }: SectionOutcome): void {
  const linears = section.sites.flatMap((site) => site.linears);
  assert.deepEqual([...weights.linears.keys()].sort(), linears.map(({ name }) => name).sort());
  for (const { name, outFeatures, inFeatures } of linears) {
    const { weight, bias } = weights.linears.get(name)!;
    assert.deepEqual([weight.rows, weight.columns], [outFeatures, inFeatures]);
    assert.ok(weight.data.every(Number.isFinite), `a weight of ${name} is not finite`);
    assert.ok(bias?.every(Number.isFinite) ?? true, `a bias of ${name} is not finite`);
  }
  for (const [name, values] of weights.tensors)
    assert.ok(values.every(Number.isFinite), `a value of ${name} is not finite`);
  const keys = Object.keys([...figures.values()][0] ?? {});
  for (const [layer, values] of figures) {
    assert.ok(weights.linears.has(layer), `figures name ${layer}, which is no Linear of the section`);
    assert.deepEqual(Object.keys(values), keys, 'figures differ in their keys');
    for (const key of keys) assert.ok(Number.isFinite(values[key]), `figure ${key} is ${values[key]}`);
  }
  for (const { code, layer, message } of warnings) {
    assert.match(code, /^[a-z][a-z0-9-]*$/);
    assert.ok(
      linears.some(({ name }) => name === layer),
      `a warning names ${layer}, which is no Linear of the section`,
    );
    assert.match(message, /\.$/);
  }
}

/** Typed arrays as they are, whatever buffer they lie in. */
function plain({ weights, figures, warnings }: SectionOutcome): unknown {
  return {
    linears: [...weights.linears].map(([name, { weight, bias }]) => [
      name,
      Array.from(weight.data),
      bias && Array.from(bias),
    ]),
    tensors: [...weights.tensors].map(([name, values]) => [name, Array.from(values)]),
    inference: weights.inference,
    figures: [...figures],
    warnings,
  };
}
