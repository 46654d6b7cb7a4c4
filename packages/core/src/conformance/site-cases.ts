import assert from 'node:assert/strict';
import type { Kernels } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import type { Grid } from '../grid/grid.ts';
import type { ConformanceCase, ConformanceRequest } from './case.ts';
import { type SiteFixture, type SiteOutcome, siteFixture, spec, treatFixture } from './site-fixture.ts';

/** What the walk, the report and later steps rely on. */
export function siteCases<Options>(
  { algorithm, createKernels }: ConformanceRequest<Options>,
  options: Options,
): ConformanceCase[] {
  async function outcome(fixture: SiteFixture, threads = 1): Promise<SiteOutcome> {
    const kernels: Kernels = await createKernels(threads);
    try {
      return await treatFixture(algorithm, options, fixture, kernels);
    } finally {
      await kernels.close();
    }
  }
  /** Runs, and asserts all that holds on any input. */
  async function sound(fixture: SiteFixture): Promise<SiteOutcome> {
    const result = await outcome(fixture);
    assertSound(fixture, result);
    return result;
  }

  return [
    {
      name: 'gives the same bits on 1 and 2 threads',
      run: async () => assert.deepEqual(plain(await outcome(siteFixture(), 2)), plain(await outcome(siteFixture(), 1))),
    },
    {
      name: 'leaves its inputs alone',
      run: async () => {
        const fixture = siteFixture();
        await sound(fixture);
        assert.deepEqual(fixture, siteFixture());
      },
    },
    {
      name: 'is foretold by the plan',
      run: async () => {
        const fixture = siteFixture();
        const { results } = await sound(fixture);
        for (const [i, { quantized }] of results.entries()) {
          const linear = fixture.linears[i].spec;
          assert.equal(algorithm.check?.(linear, options), undefined);
          const bits = algorithm.bitsPerWeight?.(linear, options) ?? 32;
          assert.ok(bits > 0 && bits <= 32, `${bits} bits per weight`);
          if ((algorithm.stageFor?.(options) ?? algorithm.stage) !== 'quantize') continue;
          const planned = algorithm.quantization!(linear, options)!;
          const { name } = quantized!.grid;
          assertGrid(quantized!.grid, planned.alternatives?.find((grid) => grid.name === name) ?? planned.grid);
          assert.equal(quantized!.groupSize, planned.groupSize);
          const inOrder = quantized!.scales.group.every((group, c) => group === Math.floor(c / planned.groupSize));
          assert.ok(inOrder || planned.reordered, 'groups do not follow the columns, and the plan does not say so');
        }
      },
    },
    {
      name: 'objects by name to a Linear that it cannot treat, or treats it',
      run: async () => {
        const objection = algorithm.check?.(spec('odd', 8, 127), options);
        if (objection) assert.equal(objection.layer, 'odd');
      },
    },
    {
      name: 'meets channels that are always 0',
      run: async () => {
        const fixture = siteFixture();
        const { columns, data } = fixture.activations;
        for (let i = 0; i < data.length; i++) if ((i % columns) % 40 === 3) data[i] = 0;
        await sound(fixture);
        data.fill(0);
        await sound(fixture);
      },
    },
    {
      name: 'meets groups and rows of one constant, and keeps zeros',
      run: async () => {
        const fixture = siteFixture();
        const [{ weight }] = fixture.linears;
        weight.data.fill(0, 0, 2 * weight.columns);
        weight.data.fill(0.3, 2 * weight.columns, 3 * weight.columns);
        const { values } = await sound(fixture);
        assert.ok(values[0].data.subarray(0, 2 * weight.columns).every((value) => Math.abs(value) < 1e-6));
      },
    },
    {
      name: 'calibrates the scale of activations such that the largest one becomes the largest code',
      run: async () => {
        const fixture = siteFixture();
        const { quantizer } = (await sound(fixture)).inference;
        if (typeof quantizer?.scale !== 'number') return;
        const largest = fixture.activations.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const codes = largest / quantizer.scale / (2 ** (quantizer.bits - 1) - 1);
        assert.ok(Math.abs(codes - 1) < 1e-5, `the largest activation is ${codes} of the largest code`);
      },
    },
    { name: 'meets a calibration of one token', run: async () => void (await sound(siteFixture(1))) },
    {
      name: 'meets a site that no token reached',
      run: async () => {
        const { warnings } = await sound(siteFixture(0));
        if (algorithm.observes?.(options).length)
          assert.ok(warnings.length > 0, 'nothing was observed, and nothing said');
      },
    },
    {
      name: 'refuses weights that are no numbers, naming the layer',
      run: async () => {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const fixture = siteFixture();
          fixture.linears[1].weight.data[17] = bad;
          await assert.rejects(
            outcome(fixture),
            (error) => error instanceof CompressError && error.place.layer === fixture.linears[1].spec.name,
          );
        }
      },
    },
    {
      name: 'keeps the zeros of an earlier prune, or refuses them by name',
      run: async () => {
        const fixture = siteFixture();
        const linears = fixture.linears.map(({ spec, weight }) => {
          const mask = Uint8Array.from(weight.data, (_, i) => (i % 3 === 1 ? 1 : 0));
          return { spec, mask, weight: { ...weight, data: weight.data.map((value, i) => (mask[i] ? 0 : value)) } };
        });
        try {
          const { values } = await sound({ ...fixture, linears });
          for (const [i, { data }] of values.entries())
            assert.ok(data.every((value, at) => !linears[i].mask[at] || value === 0));
        } catch (error) {
          if (!(error instanceof CompressError && error.place.layer === linears[0].spec.name)) throw error;
        }
      },
    },
  ];
}

/** A grid that learns its levels is foretold but for them, one with a scale of the whole weight but for the magnitude that this comes from. */
function assertGrid({ absmax, ...used }: Grid, { learn, ...planned }: Grid): void {
  assert.deepEqual(learn ? { ...used, codes: planned.codes } : used, planned);
  assert.ok(
    absmax === undefined || planned.nested === 'tensor',
    'a grid without a scale of the whole weight has its magnitude',
  );
  assert.equal(used.learn, undefined, 'the levels of the grid are not those that were learned');
}

function assertSound({ linears }: SiteFixture, { results, values, warnings }: SiteOutcome): void {
  assert.equal(results.length, linears.length, 'there is not one result for each Linear');
  const keys = Object.keys(results[0].figures);
  assert.ok(keys.length > 0, 'there are no figures for the report');
  for (const [i, { figures }] of results.entries()) {
    assert.deepEqual(Object.keys(figures), keys, 'figures differ in their keys');
    for (const key of keys) assert.ok(Number.isFinite(figures[key]), `figure ${key} is ${figures[key]}`);
    assert.deepEqual([values[i].rows, values[i].columns], [linears[i].weight.rows, linears[i].weight.columns]);
    assert.ok(values[i].data.every(Number.isFinite), 'a new weight is not finite');
    const { mask } = results[i];
    assert.ok(!mask || values[i].data.every((value, at) => mask[at] === 0 || value === 0), 'a pruned weight is not 0');
  }
  const names = linears.map(({ spec }) => spec.name);
  for (const { code, layer, message } of warnings) {
    assert.match(code, /^[a-z][a-z0-9-]*$/);
    assert.ok(names.includes(layer), `a warning names ${layer}, which is no Linear of the site`);
    assert.match(message, /\.$/);
  }
}

/** Typed arrays as they are, whatever buffer they lie in. */
function plain({ results, values, warnings, inference }: SiteOutcome): unknown {
  return {
    figures: results.map(({ figures }) => figures),
    codes: results.map(({ quantized }) => quantized && Array.from(quantized.codes)),
    scales: results.map(({ quantized }) => quantized && Array.from(quantized.scales.scales)),
    zeros: results.map(({ quantized }) => quantized && Array.from(quantized.scales.zeros)),
    masks: results.map(({ mask }) => mask && Array.from(mask)),
    values: values.map(({ data }) => Array.from(data)),
    warnings,
    inference,
  };
}
