import {
  type Algorithm,
  CompressError,
  columnsPerGroup,
  defineAlgorithm,
  factorizeGram,
  groupSizeObjection,
  type LinearResult,
  type NamedGrids,
  packedBitsPerWeight,
  requireStatistic,
  rowsPerScale,
  type SiteContext,
  shareTensorScale,
} from '@compress/core';
import { allocateOwl, outlierSurvey } from './allocate-owl.ts';
import { type SparseGptOptions, sparseGptOptions } from './options.ts';
import { pruneMagnitude } from './prune-magnitude.ts';
import { pruneSparseGpt } from './prune-sparsegpt.ts';
import { pruneWanda } from './prune-wanda.ts';
import type { PrunedWeight } from './pruned-weight.ts';
import { columnsObjection, DEFAULT_SPARSITY, resolveSparsity, type SparsityChoice } from './sparsity.ts';

/** Pruning as a step of a pipeline, with a grid pruning and quantizing in one. `named` are grids that recipes may name beside the integer ones. */
export function createSparseGpt(named: NamedGrids = {}): Algorithm<SparseGptOptions> {
  return defineAlgorithm({
    name: 'sparsegpt',
    stage: 'prune',
    stageFor: ({ grid }) => (grid === 'none' ? 'prune' : 'quantize'),
    summary:
      'Sets weights to 0: those that the others can best make good, which they then do; or by Wanda or magnitude.',
    options: sparseGptOptions(named),
    observes: ({ criterion }) => (({ sparsegpt: ['gram'], wanda: ['squares'], magnitude: [] }) as const)[criterion],

    survey: ({ allocation }) => (allocation === 'owl' ? outlierSurvey : undefined),

    check({ name, inFeatures }, options) {
      const message =
        columnsObjection(inFeatures, resolveSparsity(choiceFor(name, options))) ??
        (options.grid === 'none' ? undefined : groupSizeObjection(inFeatures, options.groupSize));
      return message === undefined ? undefined : { layer: name, message };
    },
    checkTogether(linears, { layers }) {
      const unmatched = layers.filter(({ match }) => !linears.some(({ name }) => new RegExp(match).test(name)));
      return unmatched.map(
        ({ match }) =>
          `sparsegpt: no layer that it treats is matched by ${JSON.stringify(match)} under "layers"; the first is called ${linears[0]?.name}.`,
      );
    },
    quantization: ({ inFeatures }, { grid, groupSize }) =>
      grid === 'none'
        ? undefined
        : { grid, groupSize: columnsPerGroup(inFeatures, groupSize), scaleRows: rowsPerScale(groupSize) },
    bitsPerWeight: (linear, { grid, groupSize }) =>
      grid === 'none' ? undefined : packedBitsPerWeight(linear, grid, groupSize),

    async site(context, given) {
      const options = { ...given, sparsity: allocated(context, given) };
      const treat = { sparsegpt: bySparseGpt, wanda: byWanda, magnitude: byMagnitude }[options.criterion];
      return treat(context, options);
    },
  });
}

/** The sparsity of one layer: the first rule that matches its name, or that of all. */
function choiceFor(name: string, { layers, sparsity, pattern }: SparseGptOptions): SparsityChoice {
  const rule = layers.find(({ match }) => new RegExp(match).test(name));
  if (rule) return { sparsity: rule.sparsity, pattern: rule.pattern };
  return { sparsity, pattern: pattern === 'none' ? undefined : pattern };
}

/** The sparsity of a site whose layers have no rule: what its section was allotted, or that of all. */
function allocated({ site, survey }: SiteContext, { allocation, sparsity }: SparseGptOptions): number | undefined {
  if (allocation === 'uniform') return sparsity;
  const index = survey?.findIndex(({ section }) => section.sites.some(({ name }) => name === site.name)) ?? -1;
  if (survey === undefined || index < 0)
    throw new CompressError('survey-missing', 'The allocation owl needs a survey of the whole model.', {
      layer: site.name,
    });
  return allocateOwl(survey, sparsity ?? DEFAULT_SPARSITY)[index];
}

async function bySparseGpt(context: SiteContext, options: SparseGptOptions): Promise<LinearResult[]> {
  const { site, linears, statistics, kernels, warn } = context;
  const { tokens } = statistics;
  const gram = requireStatistic(statistics, 'gram', { algorithm: 'SparseGPT', site: site.name });
  const { damping, blockSize, groupSize, polish } = options;
  const weights = linears.map((linear) => linear.weight);
  const grid = options.grid === 'none' ? undefined : shareTensorScale(options.grid, weights);
  const factorization = await factorizeGram({ gram, strongestFirst: false, damping, layer: site.name, kernels });
  const warnings = tokens === 0 ? [noTokens] : [...fewTokens(tokens, site.features), ...factorization.warnings];
  const results: LinearResult[] = [];
  for (const { spec, weight, mask } of linears) {
    const layer = spec.name;
    const request = { weight, mask, gram, factorization, grid, groupSize, damping, blockSize, polish, layer, kernels };
    const result = await pruneSparseGpt({ ...request, ...choiceFor(layer, options) });
    for (const warning of warnings) warn({ ...warning, layer });
    const { loss, sparsity, relativeError } = result;
    const figures = { loss, relativeError, sparsity, damping: result.damping };
    results.push({
      ...(result.quantized ? { quantized: result.quantized } : { weight: result.weight }),
      mask: result.mask,
      figures,
    });
  }
  return results;
}

async function byWanda(
  { site, linears, statistics, warn }: SiteContext,
  options: SparseGptOptions,
): Promise<LinearResult[]> {
  const { tokens } = statistics;
  const squares = requireStatistic(statistics, 'squares', { algorithm: 'Wanda', site: site.name });
  return linears.map(({ spec: { name: layer }, weight, mask }) => {
    if (tokens === 0) warn({ ...noTokens, layer });
    return resultOf(pruneWanda({ weight, mask, squares, layer, ...choiceFor(layer, options) }));
  });
}

async function byMagnitude({ linears }: SiteContext, options: SparseGptOptions): Promise<LinearResult[]> {
  return linears.map(({ spec: { name: layer }, weight, mask }) =>
    resultOf(pruneMagnitude({ weight, mask, layer, ...choiceFor(layer, options) })),
  );
}

function resultOf({ weight, mask, relativeError, sparsity }: PrunedWeight): LinearResult {
  return { weight, mask, figures: { relativeError, sparsity } };
}

const noTokens = {
  code: 'no-tokens',
  message: 'No calibration token reached it, so its smallest weights were pruned.',
};

function fewTokens(tokens: number, features: number) {
  if (tokens >= features) return [];
  const message = `Only ${tokens} calibration tokens reached its ${features} input channels; damping is what makes the Hessian invertible.`;
  return [{ code: 'few-tokens', message }];
}

/** SparseGPT, Wanda and magnitude; joint quantization with the integer grids. */
export const sparsegpt = createSparseGpt();
