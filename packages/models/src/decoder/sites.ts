import type { Block, LinearSpec, Network, SiteSpec } from '@compress/core';

/** A block's site names, one truth for sections, links and stages. */
export const siteNames = {
  attentionInput: (block: Block) => `${block.path}.attention_input`,
  attentionOutput: (block: Block) => `${block.path}.attention_output`,
  feedForwardInput: (block: Block) => `${block.path}.feed_forward_input`,
  feedForwardInner: (block: Block) => `${block.path}.feed_forward_inner`,
  expertInput: (network: { readonly path: string }) => `${network.path}.input`,
  expertInner: (network: { readonly path: string }) => `${network.path}.inner`,
};

/** The sites of a block in the order in which data meets them. A router has the feed-forward's input as its own site, and each expert two. */
export function blockSites(block: Block): SiteSpec[] {
  const { attention, feedForward } = block;
  return [
    site(siteNames.attentionInput(block), attention.linears),
    site(siteNames.attentionOutput(block), [attention.output]),
    ...(feedForward.kind === 'dense'
      ? networkSites(feedForward.network, siteNames.feedForwardInput(block), siteNames.feedForwardInner(block))
      : [
          site(siteNames.feedForwardInput(block), [feedForward.router]),
          ...feedForward.networks.flatMap((network) =>
            networkSites(network, siteNames.expertInput(network), siteNames.expertInner(network)),
          ),
        ]),
  ];
}

function networkSites(network: Network, input: string, inner: string): SiteSpec[] {
  return [site(input, network.linears), site(inner, [network.down])];
}

function site(name: string, linears: readonly LinearSpec[]): SiteSpec {
  return { name, features: linears[0].inFeatures, linears };
}
