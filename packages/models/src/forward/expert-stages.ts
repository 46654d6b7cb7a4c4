import type { Batch, Experts, SiteSpec, Stage } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { networkStages } from './network-stages.ts';
import { routeTokens } from './route-tokens.ts';
import { held, heldRows } from './state.ts';
import { applyNorm, type Workplace } from './workplace.ts';

const NORMED = 'normed';
const rowsOf = (expert: number) => `expert ${expert} rows`;
const sharesOf = (expert: number) => `expert ${expert} shares`;

/**
 * The router's stage, then two for each expert, which sees only the tokens that chose it (none, perhaps). Kept between them are the normed
 * stream and each expert's rows and shares; an expert's output is added to the stream as soon as it is there.
 */
export function expertStages(
  experts: Experts,
  [routerSite, ...expertSites]: readonly SiteSpec[],
  place: Workplace,
): Stage[] {
  const { norm, chosen, networks } = experts;
  const router: Stage = {
    site: routerSite,
    input: (batch) => applyNorm(norm, batch.hidden, place),
    async output(batch, [scores]) {
      batch.state.set(NORMED, await applyNorm(norm, batch.hidden, place));
      routeTokens(scores, chosen).forEach(({ rows, shares }, expert) => {
        batch.state.set(rowsOf(expert), rows);
        batch.state.set(sharesOf(expert), { rows: rows.length, columns: 1, data: shares });
      });
    },
  };
  const stages = networks.flatMap((network, expert) =>
    networkStages(
      network,
      expertSites.slice(2 * expert, 2 * expert + 2),
      place,
      async (batch) => gather(held(batch, NORMED), heldRows(batch, rowsOf(expert)), place.kernels),
      async (batch, output) => {
        scatter(output, heldRows(batch, rowsOf(expert)), held(batch, sharesOf(expert)).data, batch.hidden);
        batch.state.delete(rowsOf(expert));
        batch.state.delete(sharesOf(expert));
        if (expert === networks.length - 1) batch.state.delete(NORMED);
      },
    ),
  );
  return [router, ...stages];
}

function gather(source: Matrix, rows: Uint32Array, kernels: Kernels): Matrix {
  const { columns } = source;
  const gathered = kernels.matrix(rows.length, columns);
  rows.forEach((row, i) => {
    gathered.data.set(source.data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return gathered;
}

/** target[rows[i]] += shares[i] * source[i] */
function scatter(source: Matrix, rows: Uint32Array, shares: Float32Array, target: Batch['hidden']): void {
  const { columns } = source;
  rows.forEach((row, i) => {
    for (let c = 0; c < columns; c++) target.data[row * columns + c] += shares[i] * source.data[i * columns + c];
  });
}
