import type { Kernels } from '@compress/kernels';
import type { SiteContext, SiteLinear, Survey, SurveyedSection } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';
import type { Grid } from '../grid/grid.ts';
import type { GroupSize } from '../grid/group-size.ts';
import { packedBits } from '../grid/packed-bits.ts';
import { countWeights } from '../model/count-weights.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { assignChoices } from './assign-choices.ts';
import type { Budget } from './budget-options.ts';

/** What one Linear loses on each of the grids: tr((W - Q) G (W - Q)^T), G the gram over tokens. In the order of `grids`. */
export type MeasureLosses = (
  linears: readonly SiteLinear[],
  statistics: Statistics,
  grids: readonly Grid[],
  kernels: Kernels,
) => Promise<readonly (readonly number[])[]>;

/** Figures of a survey are by name: names of layers have no spaces. */
const lossKey = (layer: string, choice: number) => `${layer} loss ${choice}`;
const unitKey = (layer: string) => `${layer} unit`;

/**
 * Measures every Linear's loss on every choice on the float model, once for all. What a loss counts is the linear model of HIGGS (Malinovskii et
 * al., 2024): the model's loss grows by the sum over layers of a_l t_l^2, t_l^2 the relative squared error of layer l, where a_l is what noise
 * with t^2 = 1 does. Errors of quantizers are no white noise, so they are compared by what they do to the layer's outputs: a_l divided by
 * |W|^2 tr(G) / n, which is what white noise of |W|^2 loses there.
 */
export function budgetSurvey(budget: Budget, measure: MeasureLosses): Survey {
  return {
    observes: ['gram'],
    roundings: budget.choices.length,
    ...(budget.weigh === 'sensitivity' && { sensitivities: true }),
    async section(sites, kernels) {
      const figures: Record<string, number> = {};
      for (const { linears, statistics } of sites) {
        const losses = await measure(linears, statistics, budget.choices, kernels);
        for (const [i, linear] of linears.entries()) {
          const layer = linear.spec.name;
          for (const [choice, loss] of losses[i].entries()) figures[lossKey(layer, choice)] = loss;
          figures[unitKey(layer)] =
            budget.weigh === 'sensitivity' ? noiseLoss(linear, statistics) : await energy(linear, statistics, kernels);
        }
      }
      return figures;
    },
  };
}

/** |W|^2 tr(G) / n */
function noiseLoss({ weight }: SiteLinear, { gram }: Statistics): number {
  const { columns, data } = weight;
  const norm = data.reduce((sum, w) => sum + w * w, 0);
  let trace = 0;
  for (let c = 0; c < columns; c++) trace += gram!.data[c * columns + c];
  return (norm * trace) / columns;
}

/** tr(W G W^T): what the layer's outputs are, for one token. */
async function energy({ weight }: SiteLinear, { gram }: Statistics, kernels: Kernels): Promise<number> {
  const right = kernels.matrix(weight.rows, weight.columns);
  const byRow = await kernels.weightedError({ left: weight, right, hessian: gram! });
  return byRow.reduce((sum, loss) => sum + loss, 0);
}

/** A pipeline's walk asks for every site, and the answer is one for all. */
const assigned = new WeakMap<readonly SurveyedSection[], ReadonlyMap<string, Grid>>();

/** The grid of one Linear: what the budget gave it, or that of the options. Throws `CompressError` `survey-missing`. */
export function gridFor(
  layer: string,
  { survey }: Pick<SiteContext, 'survey'>,
  options: { readonly grid: Grid; readonly groupSize: GroupSize; readonly budget: Budget | 'none' },
): Grid {
  const { budget, groupSize } = options;
  if (budget === 'none') return options.grid;
  if (!survey) throw new CompressError('survey-missing', 'A budget needs a survey of the whole model.', { layer });
  const known = assigned.get(survey) ?? assign(survey, budget, groupSize);
  assigned.set(survey, known);
  const grid = known.get(layer);
  if (!grid) throw new CompressError('survey-missing', 'The survey of the model did not see this Linear.', { layer });
  return grid;
}

/** Exact: see {@link assignChoices}. The plan has made sure that there is an assignment. */
function assign(survey: readonly SurveyedSection[], budget: Budget, groupSize: GroupSize): Map<string, Grid> {
  const { choices, bitsPerWeight } = budget;
  const linears = survey.flatMap(({ section, figures, sensitivities }) =>
    section.sites
      .flatMap((site) => site.linears)
      .filter(({ name }) => unitKey(name) in figures)
      .map((spec) => ({ spec, figures, sensitivity: sensitivities?.[spec.name] ?? 1 })),
  );
  const items = linears.map(({ spec: { name, outFeatures, inFeatures }, figures, sensitivity }) =>
    choices.map((grid, choice) => ({
      cost: packedBits(grid, groupSize, [outFeatures, inFeatures]),
      // What no token reached loses nothing, and gets the smallest grid.
      loss: figures[unitKey(name)] === 0 ? 0 : (sensitivity * figures[lossKey(name, choice)]) / figures[unitKey(name)],
    })),
  );
  const weights = countWeights(linears.map(({ spec }) => spec));
  const assignment = assignChoices(items, bitsPerWeight * weights);
  if (!assignment) throw new CompressError('budget', `No choice keeps the budget of ${bitsPerWeight} bits per weight.`);
  return new Map(linears.map(({ spec }, i) => [spec.name, choices[assignment[i]]]));
}
