import { z } from 'zod';
import { type Algorithm, defineAlgorithm, type LinearResult, type Warning } from '../algorithm/algorithm.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { CodedCheckpoint, Format } from '../format/format.ts';
import type { Model } from '../model/model.ts';
import { headOf } from '../walk/untie.ts';

/**
 * The quantize step that gives each Linear the codes that it has already, or in a format of floats what these mean, so that a walk with nothing else
 * re-encodes a checkpoint. `dtype` is that of the output's floats.
 */
export function storedCodes(
  { coded, location }: CodedCheckpoint,
  format: Format,
  dtype: FloatDtype,
): Algorithm<Record<string, never>> {
  return defineAlgorithm({
    name: 'convert',
    stage: 'quantize',
    summary: 'The codes that are stored.',
    options: z.strictObject({}),
    checkModel(model) {
      const touched = new Set(
        linearsOf(model).flatMap(({ weight, untouched }) => (untouched === undefined ? [weight] : [])),
      );
      const message = `${location} holds no Linears in codes and nothing here rounds: "compress run" quantizes, and --format dense takes floats.`;
      const objections = format.storesCodes && touched.size === 0 ? [{ layer: '', message }] : [];
      if (!format.storesCodes) return { objections, warnings: [] };
      const left = [...coded.keys()].filter((weight) => !touched.has(weight));
      return { objections, warnings: [...left.map(decodedWarning), ...remarksOn([...touched])] };
    },
    quantization: ({ weight }) => coded.get(weight),
    bitsPerWeight(spec) {
      const { grid, groupSize } = coded.get(spec.weight)!;
      return (8 * format.size(spec, grid, groupSize, dtype)) / (spec.outFeatures * spec.inFeatures);
    },
    async site({ linears }) {
      const results: LinearResult[] = [];
      for (const { spec, weight } of linears) {
        // Codes may be refused where floats are not.
        const result = format.storesCodes ? { quantized: await coded.get(spec.weight)!.read() } : { weight };
        results.push({ ...result, figures: {} });
      }
      return results;
    },
  });

  function decodedWarning(layer: string): Warning {
    const message = `It is in codes, but no Linear of its own (a token table): it is written as ${dtype}.`;
    return { code: 'decoded', layer, message };
  }

  /** Each remark once, with the first weight that it is made on. */
  function remarksOn(weights: readonly string[]): Warning[] {
    const first = new Map<string, string>();
    for (const weight of weights) {
      const remark = coded.get(weight)?.remark;
      if (remark !== undefined && !first.has(remark)) first.set(remark, weight);
    }
    return [...first].map(([message, layer]) => ({ code: 'codes', layer, message }));
  }
}

/** The model with exactly those Linears open to change that are in codes; a head that is the token table too stays as it is. */
export function withCodedLinears(model: Model, { coded }: CodedCheckpoint): Model {
  const shared = model.tied ? headOf(model).weight : undefined;
  return {
    ...model,
    sections: model.sections.map((section) => ({
      ...section,
      sites: section.sites.map((site) => ({
        ...site,
        linears: site.linears.map(({ untouched, ...linear }) => {
          if (linear.weight === shared) return { ...linear, untouched: untouched ?? 'it is the token table too' };
          return coded.has(linear.weight) ? linear : { ...linear, untouched: untouched ?? 'it is in floats' };
        }),
      })),
    })),
  };
}

function linearsOf({ sections }: Model) {
  return sections.flatMap(({ sites }) => sites.flatMap(({ linears }) => linears));
}
