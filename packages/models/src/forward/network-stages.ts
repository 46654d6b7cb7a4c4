import type { Batch, Network, SiteSpec, Stage } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { taken } from './state.ts';
import { takeSpan } from './take-span.ts';
import type { Workplace } from './workplace.ts';

const INNER = 'inner';

/** Two stages: what gate and up read, given by `input`, and what down reads. `join` takes what down made. */
export function networkStages(
  network: Network,
  [inputSite, innerSite]: readonly SiteSpec[],
  place: Workplace,
  input: (batch: Batch) => Promise<Matrix>,
  join: (batch: Batch, output: Matrix) => Promise<void>,
): Stage[] {
  const { gate, up, features, activation } = network;
  return [
    {
      site: inputSite,
      input,
      async output(batch, outputs) {
        const { kernels } = place;
        const inner = takeSpan(gate, 1, features, outputs, kernels);
        await kernels.activate({
          gate: inner,
          ...(up && { up: takeSpan(up, 1, features, outputs, kernels) }),
          activation,
          output: inner,
        });
        batch.state.set(INNER, inner);
      },
    },
    {
      site: innerSite,
      input: async (batch) => taken(batch, INNER),
      async output(batch, [output]) {
        await join(batch, output);
      },
    },
  ];
}
