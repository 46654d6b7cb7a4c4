import type { Plan } from '../plan/plan.ts';
import type { Identity } from '../walk/identity.ts';
import type { SectionRecord } from '../walk/journal.ts';
import type { CompressRequest } from '../walk/request.ts';
import type { Manifest } from './manifest.ts';

/** What came out, without anything that could differ between two runs of the same work. */
export function buildManifest(p: {
  request: CompressRequest;
  plan: Plan;
  identity: Identity;
  records: readonly SectionRecord[];
  outputs: Manifest['outputs'];
  /** Payload of all tensors written. */
  bytesAfter: number;
}): Manifest {
  const { recipe, versions, numerics, seed, format, pipeline, calibration, inputs } = p.identity;
  const { model } = p.request;
  const { bytesBefore, touched, bitsPerWeight } = p.plan.totals;
  return {
    program: 'compress',
    version: 1,
    recipe,
    versions,
    numerics,
    seed,
    format,
    pipeline,
    calibration,
    model: {
      architecture: model.architecture,
      sections: model.sections.length,
      linears: p.plan.linears.length,
    },
    inputs,
    outputs: p.outputs,
    layers: p.records.flatMap(({ layers }) =>
      layers.map(({ layer, algorithm, bitsPerWeight, figures }) => ({ layer, algorithm, bitsPerWeight, figures })),
    ),
    untouched: p.plan.linears.flatMap(({ layer, untouched }) =>
      untouched === undefined ? [] : [{ layer, reason: untouched }],
    ),
    warnings: p.records.flatMap(({ warnings }) => warnings),
    totals: { bytesBefore, bytesAfter: p.bytesAfter, touched, bitsPerWeight },
  };
}
