import {
  agedCounts,
  ageEntries,
  type Batch,
  type CacheSide,
  rotateBlocks,
  type SiteSpec,
  type Stage,
} from '@compress/core';
import type { Matrix } from '@compress/kernels';
import type { Attention, Norm } from '../decoder/decoder.ts';
import { taken } from './state.ts';
import { takeSpan } from './take-span.ts';
import { applyNorm, type Workplace } from './workplace.ts';

const ATTENDED = 'attended';

/**
 * Two stages: what q, k and v read, and what the output reads. The whole attention happens when q, k and v are there, so all that is kept
 * between the two is its result, `[tokens, heads * headDimension]`. `join` takes what the output Linear made.
 */
export function attentionStages(
  attention: Attention,
  [inputSite, outputSite]: readonly SiteSpec[],
  place: Workplace,
  join: (batch: Batch, output: Matrix) => Promise<void>,
): Stage[] {
  return [
    {
      site: inputSite,
      input: (batch) => applyNorm(attention.norm, batch.hidden, place),
      async output(batch, outputs) {
        batch.state.set(ATTENDED, await attend(attention, batch, outputs, place));
      },
    },
    {
      site: outputSite,
      input: async (batch) => taken(batch, ATTENDED),
      async output(batch, [output]) {
        await join(batch, attention.outputNorm ? await applyNorm(attention.outputNorm, output, place) : output);
      },
    },
  ];
}

async function attend(p: Attention, batch: Batch, outputs: readonly Matrix[], place: Workplace): Promise<Matrix> {
  const { kernels } = place;
  const { heads, keyHeads, headDimension, rope, window, scale } = p;
  const { length } = batch;
  const { attention: { rotation, cache } = {}, watch } = place.weights.inference;
  let queries = takeSpan(p.query, heads, headDimension, outputs, kernels);
  let keys = takeSpan(p.key, keyHeads, headDimension, outputs, kernels);
  const values = takeSpan(p.value, keyHeads, headDimension, outputs, kernels);
  if (p.queryNorm) queries = await normHeads(p.queryNorm, queries, headDimension, place);
  if (p.keyNorm) keys = await normHeads(p.keyNorm, keys, headDimension, place);
  /** RoPE in place, then R3. */
  const turn = async (input: Matrix, count: number) => {
    if (rope) await kernels.rotate({ values: input, heads: count, length, rotary: place.rotary(rope, length) });
    return rotation ? rotateBlocks(input, rotation, kernels) : input;
  };
  const age = (entries: Matrix, side: CacheSide | undefined) =>
    side && ageEntries(entries, side, { length, headDimension, sinks: cache!.sinks }, kernels);

  if (watch?.keysBeforeRotary) watch.see(keys, values);
  const early = cache?.keysBeforeRotary ? age(keys, cache.keys) : undefined;
  queries = await turn(queries, heads);
  keys = await turn(keys, keyHeads);
  if (watch?.keysBeforeRotary === false) watch.see(keys, values);
  const aged = cache && {
    keys: early ? await turn(early, keyHeads) : (age(keys, cache.keys) ?? keys),
    values: age(values, cache.values) ?? values,
    keyCounts: agedCounts(cache.keys, cache, length),
    valueCounts: agedCounts(cache.values, cache, length),
  };
  const output = kernels.matrix(queries.rows, queries.columns);
  await kernels.attention({
    queries,
    keys,
    values,
    heads,
    keyHeads,
    length,
    scale,
    ...(window !== undefined && { window }),
    ...(aged && { aged }),
    output,
  });
  return output;
}

/** A norm over each head: the same numbers seen as one row a head. */
async function normHeads(norm: Norm, values: Matrix, headDimension: number, place: Workplace): Promise<Matrix> {
  const { rows, columns, data } = values;
  const byHead = { rows: (rows * columns) / headDimension, columns: headDimension, data };
  return { rows, columns, data: (await applyNorm(norm, byHead, place)).data };
}
