import type { Attention, Block, Link, Network, Norm } from '@compress/core';
import { siteNames } from './sites.ts';

/** Every exact way to move a per-channel scale within a block: norm -> readers, values -> attention output, up -> down. */
export function blockLinks(block: Block): Link[] {
  const { attention, feedForward } = block;
  const links: Link[] = [
    normLink(attention.norm, siteNames.attentionInput(block), []),
    valueLink(attention, siteNames.attentionOutput(block)),
  ];
  if (feedForward.kind === 'dense')
    return [
      ...links,
      normLink(feedForward.norm, siteNames.feedForwardInput(block), []),
      ...innerLinks(feedForward.network, siteNames.feedForwardInner(block)),
    ];
  return [
    ...links,
    normLink(feedForward.norm, siteNames.feedForwardInput(block), feedForward.networks.map(siteNames.expertInput)),
    ...feedForward.networks.flatMap((network) => innerLinks(network, siteNames.expertInner(network))),
  ];
}

function normLink(norm: Norm, site: string, alsoScale: readonly string[]): Link {
  const { gain, bias, unitOffset } = norm;
  return { kind: 'norm', gain, ...(bias !== undefined && { bias }), unitOffset, site, alsoScale };
}

/** Attention mixes positions, never channels: channel c of query head h is a mean of channel c of the key head that h reads. */
function valueLink({ linears, value, heads, keyHeads, headDimension, output }: Attention, site: string): Link {
  const rows = Uint32Array.from({ length: output.inFeatures }, (_, channel) => {
    const head = Math.floor(channel / headDimension);
    return value.first + Math.floor((head * keyHeads) / heads) * value.stride + (channel % headDimension);
  });
  return { kind: 'linear', from: linears[value.linear].name, rows, site };
}

/** What multiplies the activation scales freely; so does what ReLU reads, ReLU(s x) being s ReLU(x) for s > 0. GELU and SiLU bend. */
function innerLinks({ linears, gate, up, activation, features }: Network, site: string): Link[] {
  const from = up ?? (activation === 'relu' ? gate : undefined);
  if (!from) return [];
  const rows = Uint32Array.from({ length: features }, (_, channel) => from.first + channel);
  return [{ kind: 'linear', from: linears[from.linear].name, rows, site }];
}
