import {
  type Attention,
  agedCounts,
  ageEntries,
  type Batch,
  type CacheSide,
  type Norm,
  type SectionSpec,
  type Stage,
} from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { openCache } from './open-cache.ts';
import { taken } from './state.ts';
import { takeSpan } from './take-span.ts';
import { turnHeads } from './turn-heads.ts';
import { applyNorm, type Workplace } from './workplace.ts';

const ATTENDED = 'attended';

/**
 * Two stages: what q, k and v read, and what the output reads. The whole attention happens when q, k and v are there, so all that is kept
 * between the two is its result, `[tokens, heads * headDimension]`. `join` takes what the output Linear made. A sequence that goes on is attended to by its
 * cache; one that begins by the pass over whole sequences, and is put into the cache beside it.
 */
export function attentionStages(
  attention: Attention,
  { name, sites: [inputSite, outputSite] }: Pick<SectionSpec, 'name' | 'sites'>,
  place: Workplace,
  join: (batch: Batch, output: Matrix) => Promise<void>,
): Stage[] {
  return [
    {
      site: inputSite,
      input: (batch) => applyNorm(attention.norm, batch.hidden, place),
      async output(batch, outputs) {
        batch.state.set(ATTENDED, await attend(attention, name, batch, outputs, place));
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

async function attend(
  p: Attention,
  section: string,
  batch: Batch,
  outputs: readonly Matrix[],
  place: Workplace,
): Promise<Matrix> {
  const { kernels } = place;
  const { heads, keyHeads, headDimension, rope, window, scale } = p;
  const { length, past } = batch;
  const { attention: { cache } = {}, watch } = place.weights.inference;
  const kept = past && openCache(p, section, past, place);
  let queries = takeSpan(p.query, heads, headDimension, outputs, kernels);
  let keys = takeSpan(p.key, keyHeads, headDimension, outputs, kernels);
  const values = takeSpan(p.value, keyHeads, headDimension, outputs, kernels);
  if (p.queryNorm) queries = await normHeads(p.queryNorm, queries, headDimension, place);
  if (p.keyNorm) keys = await normHeads(p.keyNorm, keys, headDimension, place);
  const turn = (input: Matrix, count: number) =>
    turnHeads(input, { ...(rope && { rope }), heads: count, length, offset: past?.tokens ?? 0 }, place);
  const age = (entries: Matrix, side: CacheSide | undefined) =>
    side && ageEntries(entries, side, { length, headDimension, sinks: cache!.sinks }, kernels);

  queries = await turn(queries, heads);
  if (kept && kept.tokens > 0) {
    if (!cache?.keysBeforeRotary) keys = await turn(keys, keyHeads);
    return kept.attend({ queries, keys, values });
  }
  if (watch?.keysBeforeRotary) watch.see(keys, values);
  if (cache?.keysBeforeRotary) kept?.append(keys, values);
  const early = cache?.keysBeforeRotary ? age(keys, cache.keys) : undefined;
  keys = await turn(keys, keyHeads);
  if (!cache?.keysBeforeRotary) kept?.append(keys, values);
  if (watch?.keysBeforeRotary === false) watch.see(keys, values);
  const aged = cache && {
    keys: early ? await turn(early, keyHeads) : (age(keys, cache.keys) ?? keys),
    values: age(values, cache.values) ?? values,
    keyCounts: agedCounts(cache.keys, cache, length),
    valueCounts: agedCounts(cache.values, cache, length),
  };
  const output = kernels.scratch(queries.rows, queries.columns);
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
