import type { Batch, Block, Decoder, SectionProgram, SectionSpec, Stage } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { attentionStages } from './attention-stages.ts';
import { embed } from './embed.ts';
import { expertStages } from './expert-stages.ts';
import { networkStages } from './network-stages.ts';
import { held } from './state.ts';
import { applyNorm, type Workplace } from './workplace.ts';

/** The program of one section of a decoder. `section` is one of `sectionsOf(decoder)`, `index` its place among them. */
export function openSection(decoder: Decoder, section: SectionSpec, index: number, place: Workplace): SectionProgram {
  switch (section.kind) {
    case 'embedding':
      return { stages: [], embed: (batch) => embed(decoder, batch, place) };
    case 'block':
      return { stages: blockStages(decoder.blocks[index - 1], section, place) };
    case 'head':
      return {
        stages: [
          {
            site: section.sites[0],
            input: (batch) => applyNorm(decoder.finalNorm, batch.hidden, place),
            output: async () => {},
          },
        ],
      };
  }
}

/** Where both halves of a block read its input, the attention's output waits here until the second half has read. */
const WAITING = 'waiting attention';

function blockStages(block: Block, section: SectionSpec, place: Workplace): Stage[] {
  const { attention, feedForward } = block;
  const parallel = feedForward.kind === 'dense' && feedForward.parallel === true;
  const { kernels } = place;
  const sites = section.sites.slice(2);
  const add = (batch: Batch, source: Matrix) => kernels.add({ source, target: batch.hidden });
  const first = attentionStages(attention, section, place, async (batch, output) => {
    if (parallel) batch.state.set(WAITING, output);
    else await add(batch, output);
  });
  if (feedForward.kind === 'experts') return [...first, ...expertStages(feedForward, sites, place)];
  const second = networkStages(
    feedForward.network,
    sites,
    place,
    (batch) => applyNorm(feedForward.norm, batch.hidden, place),
    async (batch, output) => {
      await add(batch, feedForward.outputNorm ? await applyNorm(feedForward.outputNorm, output, place) : output);
      if (!parallel) return;
      await add(batch, held(batch, WAITING));
      batch.state.delete(WAITING);
    },
  );
  return [...first, ...second];
}
