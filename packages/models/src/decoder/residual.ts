import type { Block, Norm, ResidualNorm, ResidualSpec } from '@compress/core';

/** All that touches the residual stream in a block. */
export function blockResidual({ attention, feedForward }: Block): ResidualSpec {
  const networks = feedForward.kind === 'dense' ? [feedForward.network] : feedForward.networks;
  const routers = feedForward.kind === 'dense' ? [] : [feedForward.router];
  const readers = [...routers, ...networks.flatMap((network) => network.linears)];
  const writers = [attention.output, ...networks.map((network) => network.down)];
  const between = attention.outputNorm ?? (feedForward.kind === 'dense' ? feedForward.outputNorm : undefined);
  return {
    norms: [residualNorm(attention.norm, names(attention.linears)), residualNorm(feedForward.norm, names(readers))],
    writers: names(writers),
    tables: [],
    ...(between && { obstacle: `${between.gain} is the gain of a norm between a Linear and the residual stream` }),
  };
}

/** A norm of the stream with the Linears that read it. */
export function residualNorm(norm: Norm, readers: readonly string[]): ResidualNorm {
  const { gain, bias, unitOffset, kind } = norm;
  return { gain, ...(bias !== undefined && { bias }), unitOffset, centers: kind === 'layer', readers };
}

function names(linears: readonly { readonly name: string }[]): string[] {
  return linears.map((linear) => linear.name);
}
