import type { InferenceCarrier, ModuleInference, Objection, TensorSource } from '@compress/core';
import { cacheScheme, isCalibrated } from './cache-scheme.ts';
import { besideWeights, head } from './configuration.ts';
import { transformObjections } from './transforms.ts';

/**
 * What readers do more than the ordinary forward pass: activations rounded (`input_activations`, `input_scale`), caches with calibrated scales (`kv_cache_scheme`, `k_scale`,
 * `v_scale`), rotations (`transform_config`). Caches without calibrated scales are for us alone.
 */
export const inferenceCarrier: InferenceCarrier = {
  limit: (modules, quantized) => [
    ...activationObjections(modules, quantized),
    ...cacheObjections(modules),
    ...transformObjections(modules),
  ],
  carries: ({ attention }) => [...attention.values()].every(({ cache }) => cache === undefined || isCalibrated(cache)),
  tensors: ({ inputs, attention }) => [
    ...[...inputs].flatMap(([linear, { quantizer }]) =>
      typeof quantizer?.scale === 'number' ? [scaleTensor(`${linear}.input_scale`, [quantizer.scale])] : [],
    ),
    ...[...attention].flatMap(([module, { cache }]) => [
      ...(cache?.keys?.scales ? [scaleTensor(`${module}.k_scale`, cache.keys.scales)] : []),
      ...(cache?.values?.scales ? [scaleTensor(`${module}.v_scale`, cache.values.scales)] : []),
    ]),
  ],
  configuration(modules) {
    const beside = besideWeights(modules);
    return beside.kv_cache_scheme === null && beside.transform_config === undefined
      ? undefined
      : { ...head('dense', []), ...beside, config_groups: {} };
  },
};

function activationObjections({ inputs }: ModuleInference, quantized: boolean): Objection[] {
  if (quantized || ![...inputs.values()].some(({ quantizer }) => quantizer)) return [];
  const message =
    'Consumers of compressed-tensors round activations of Linears in codes alone: add a quantize step, or choose the format "dense".';
  return [{ layer: '', message }];
}

function cacheObjections({ attention }: ModuleInference): Objection[] {
  return [...attention].flatMap(([layer, { cache, rotation }]) => {
    if (cache === undefined || !isCalibrated(cache)) return [];
    const scheme = cacheScheme(cache);
    if (typeof scheme === 'string')
      return [
        { layer, message: `In a cache that consumers of compressed-tensors keep with calibrated scales ${scheme}.` },
      ];
    return rotation === undefined
      ? []
      : [
          {
            layer,
            message:
              'vLLM does not rotate keys, whose calibrated scales would be wrong without R3: leave one of both out.',
          },
        ];
  });
}

/** Calibrated scales as F32, in which no consumer loses anything; those of heads with an axis each for tokens and channels. */
function scaleTensor(name: string, scales: readonly number[]): TensorSource {
  const values = Float32Array.from(scales);
  return {
    name,
    dtype: 'F32',
    shape: values.length === 1 ? [1] : [values.length, 1, 1],
    byteLength: values.byteLength,
    bytes: async () => new Uint8Array(values.buffer),
  };
}
