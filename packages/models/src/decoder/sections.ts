import type { Block, Decoder, SectionSpec, SiteSpec } from '@compress/core';
import { blockLinks } from './links.ts';
import { linear } from './parts.ts';
import { blockResidual, residualNorm } from './residual.ts';
import { blockSites } from './sites.ts';

/** What q, k and v read, and what the output reads. */
const ATTENTION_SITES = 2;

/** A decoder's sections in order: the embedding, its blocks, the head. */
export function sectionsOf(decoder: Decoder): SectionSpec[] {
  return [embedding(decoder), ...decoder.blocks.map((block, index) => blockSection(block, index)), head(decoder)];
}

function embedding({ tokenTable, positions }: Decoder): SectionSpec {
  const tables = positions ? [tokenTable, positions.table] : [tokenTable];
  return {
    name: 'embedding',
    kind: 'embedding',
    tensors: tables,
    tokenTable,
    sites: [],
    links: [],
    residual: { norms: [], writers: [], tables },
  };
}

function blockSection(block: Block, index: number): SectionSpec {
  const { attention, feedForward } = block;
  const { heads, keyHeads, headDimension } = attention;
  const sites = blockSites(block);
  const norms = [
    attention.norm,
    attention.queryNorm,
    attention.keyNorm,
    attention.outputNorm,
    feedForward.norm,
    feedForward.kind === 'dense' ? feedForward.outputNorm : undefined,
  ].filter((norm) => norm !== undefined);
  return {
    name: `blocks.${index}`,
    kind: 'block',
    tensors: [...norms.flatMap(normTensors), ...linearTensors(sites)],
    sites,
    parts: blockParts(block, sites),
    links: blockLinks(block),
    residual: blockResidual(block),
    attention: { heads, keyHeads, headDimension },
  };
}

function blockParts({ feedForward }: Block, sites: readonly SiteSpec[]): string[][] {
  const names = sites.map(({ name }) => name);
  const parallel = feedForward.kind === 'dense' && feedForward.parallel === true;
  return parallel ? [names] : [names.slice(0, ATTENTION_SITES), names.slice(ATTENTION_SITES)];
}

/** No link leads into the head: where it is tied, scaling its columns would scale the embedding. */
function head(decoder: Decoder): SectionSpec {
  const { finalNorm, hiddenSize, vocabularySize, tied, tokenTable } = decoder;
  const output = {
    ...linear(decoder.head, vocabularySize, hiddenSize, { untouched: 'the output head stays in float' }),
    ...(tied && { weight: tokenTable }),
  };
  const sites: SiteSpec[] = [{ name: 'head_input', features: hiddenSize, linears: [output] }];
  return {
    name: 'head',
    kind: 'head',
    tensors: [...normTensors(finalNorm), ...linearTensors(sites)],
    sites,
    links: [],
    residual: { norms: [residualNorm(finalNorm, [output.name])], writers: [], tables: [] },
  };
}

function normTensors({ gain, bias }: { readonly gain: string; readonly bias?: string }): string[] {
  return bias === undefined ? [gain] : [gain, bias];
}

function linearTensors(sites: readonly SiteSpec[]): string[] {
  return sites
    .flatMap((site) => site.linears)
    .flatMap(({ weight, bias }) => (bias === undefined ? [weight] : [weight, bias]));
}
