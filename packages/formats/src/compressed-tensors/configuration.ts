import type { Format, ModuleInference } from '@compress/core';
import { activationArguments } from './activation-arguments.ts';
import { cacheScheme, isCalibrated } from './cache-scheme.ts';
import { type Layout, layoutOf } from './layout.ts';
import { transformConfiguration } from './transforms.ts';
import { weightArguments } from './weight-arguments.ts';

/** The first version of the library that packs widths other than 1, 2, 4 and 8 as a dense bit stream, which is what is written here. */
const LAYOUT_VERSION = '0.13.0';

type Written = Parameters<Format['configuration']>[0];

/**
 * `quantization_config` of config.json: one group of all Linears, but for those that are named to be ignored; or, where weights are on several grids or activations are
 * rounded in several ways, one group for each, of the Linears that it names.
 */
export function configuration(written: Written): Readonly<Record<string, unknown>> {
  const { untouched, modules } = written;
  const ways = waysOf(written);
  const groups = [...ways.values()].map(({ linears, ...way }, i) => [
    `group_${i}`,
    { targets: ways.size === 1 ? ['Linear'] : linears, ...way },
  ]);
  const [{ format }] = ways.values();
  return {
    ...head(format, untouched),
    ...besideWeights(modules),
    config_groups: Object.fromEntries(groups),
  };
}

/** What every configuration begins with. */
export function head(format: Layout | 'dense', ignore: readonly string[]) {
  return {
    quant_method: 'compressed-tensors',
    version: LAYOUT_VERSION,
    format,
    quantization_status: 'compressed',
    global_compression_ratio: null,
    ignore,
  };
}

/** What is said of caches and rotations. */
export function besideWeights(modules: ModuleInference | undefined) {
  const caches = [...(modules?.attention.values() ?? [])].flatMap(({ cache }) => cache ?? []);
  const [scheme] = caches.filter(isCalibrated).map(cacheScheme);
  const transforms = modules && transformConfiguration(modules);
  return {
    // What has no scheme is refused by the plan.
    kv_cache_scheme: typeof scheme === 'object' ? scheme : null,
    ...(transforms && { transform_config: transforms }),
  };
}

/** The Linears in codes, by what is said of their weights and activations. */
function waysOf({ grid, grids, groupSize, scaleRows = 1, quantized, modules }: Written) {
  const ways = new Map<string, ReturnType<typeof wayOf> & { readonly linears: string[] }>();
  for (const name of quantized) {
    const way = wayOf(name);
    const key = JSON.stringify(way);
    const known = ways.get(key);
    if (known) known.linears.push(name);
    else ways.set(key, { ...way, linears: [name] });
  }
  return ways;

  function wayOf(name: string) {
    const own = grids?.get(name) ?? grid;
    // What has no layout is refused by the plan.
    const format = layoutOf(own, quantizerOf(name, modules)) ?? 'pack-quantized';
    return {
      // Packed integers know no scale of a whole weight: each row has it again.
      weights: weightArguments(format, own, groupSize, format === 'pack-quantized' ? 1 : scaleRows),
      input_activations: activationArguments(quantizerOf(name, modules)),
      output_activations: null,
      format,
    };
  }
}

function quantizerOf(linear: string, modules: ModuleInference | undefined) {
  return modules?.inputs.get(linear)?.quantizer;
}
