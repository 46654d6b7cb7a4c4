import { z } from 'zod';
import { type Algorithm, defineAlgorithm, type LinearResult, type Warning } from '../algorithm/algorithm.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { CodedCheckpoint, Format } from '../format/format.ts';
import type { Model } from '../model/model.ts';
import { headOf } from '../walk/untie.ts';

/**
 * The quantize step that gives each Linear the codes that it has already, so that a walk with nothing else re-encodes a checkpoint. `dtype` is that of
 * the output's floats.
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
      const left = format.storesCodes ? [...coded.keys()].filter((weight) => !touched.has(weight)) : [];
      return { objections, warnings: left.map(decodedWarning) };
    },
    quantization: ({ weight }) => coded.get(weight),
    bitsPerWeight(spec) {
      const { grid, groupSize } = coded.get(spec.weight)!;
      return (8 * format.size(spec, grid, groupSize, dtype)) / (spec.outFeatures * spec.inFeatures);
    },
    async site({ linears }) {
      const results: LinearResult[] = [];
      for (const { spec } of linears) results.push({ quantized: await coded.get(spec.weight)!.read(), figures: {} });
      return results;
    },
  });

  function decodedWarning(layer: string): Warning {
    const message = `It is in codes, but no Linear of its own (a token table): it is written as ${dtype}.`;
    return { code: 'decoded', layer, message };
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
