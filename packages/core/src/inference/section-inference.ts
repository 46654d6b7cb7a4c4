import type { Matrix } from '@compress/kernels';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CompressError } from '../errors.ts';
import type { SectionSpec, SiteSpec } from '../model/model.ts';
import type { AttentionInference, Inference, SiteInference } from './inference.ts';
import { attentionModule, type ModuleReader } from './module-inference.ts';

/** The part of an {@link Inference} that one section's forward pass needs, open to change by the steps of a pipeline. */
export interface SectionInference {
  /** By site name. */
  readonly sites: Map<string, SiteInference>;
  attention?: AttentionInference;
  /** Is shown the keys and values of every batch as a cache would take them, before they are rounded. No part of the function. */
  watch?: CacheWatch;
}

/** Whoever calibrates a cache. */
export interface CacheWatch {
  /** Keys are shown before RoPE is applied to them. */
  readonly keysBeforeRotary: boolean;
  /** `[tokens, keyHeads * headDimension]` each; valid during the call. */
  see(keys: Matrix, values: Matrix): void;
}

/** What `inference` says of a section, as a copy; nothing where it says nothing. */
export function inferenceOfSection(
  inference: Inference | undefined,
  { name, sites }: Pick<SectionSpec, 'name' | 'sites'>,
): SectionInference {
  const own = new Map<string, SiteInference>();
  for (const site of sites) {
    const entry = inference?.sites[site.name];
    if (entry) own.set(site.name, entry);
  }
  const attention = inference?.attention[name];
  return { sites: own, ...(attention && { attention }) };
}

/** What a checkpoint says of a section, in whichever way. Throws `CompressError` `inference-differs`, and what its format throws. */
export async function readSectionInference(
  { inference, modules }: Pick<Checkpoint, 'inference' | 'modules'>,
  section: SectionSpec,
): Promise<SectionInference> {
  const { sites, attention } = inferenceOfSection(inference, section);
  if (modules === undefined) return { sites, ...(attention && { attention }) };
  for (const site of section.sites) {
    const told = await inputOf(site, modules);
    if (told) sites.set(site.name, { ...told, ...sites.get(site.name) });
  }
  const module = attentionModule(section);
  const told = module === undefined ? undefined : await modules.attention(module, section.attention!);
  return { sites, ...((told || attention) && { attention: { ...told, ...attention } }) };
}

/**
 * The same checkpoint with all that its own format tells of modules as `inference`, by the model's sites and sections: for whoever asks for that without loading sections. Throws
 * as `readSectionInference`.
 */
export async function resolveModules<C extends Checkpoint>(
  checkpoint: C,
  { sections }: { readonly sections: readonly SectionSpec[] },
): Promise<C> {
  if (checkpoint.modules === undefined) return checkpoint;
  const parts: (Inference | undefined)[] = [];
  for (const section of sections) parts.push(recordInference(section, await readSectionInference(checkpoint, section)));
  const { modules: _, inference: __, ...rest } = checkpoint;
  const inference = joinInference(parts);
  return { ...rest, ...(inference && { inference }) } as C;
}

/** What is told of the Linears of a site must be the same of all: they read one activation. */
async function inputOf({ linears }: SiteSpec, modules: ModuleReader): Promise<SiteInference | undefined> {
  const treated = linears.filter(({ untouched }) => untouched === undefined);
  const told = await Promise.all(treated.map(({ name }) => modules.input(name)));
  const other = told.findIndex((input) => JSON.stringify(input) !== JSON.stringify(told[0]));
  if (other < 0) return told[0];
  throw new CompressError(
    'inference-differs',
    `It reads the same activation as ${treated[0].name}, but the checkpoint has them round or rotate it differently, which cannot be run here.`,
    { layer: treated[other].name },
  );
}

/** One section's part as plain data, or undefined if it is an ordinary one. */
export function recordInference({ name }: Pick<SectionSpec, 'name'>, part: SectionInference): Inference | undefined {
  if (part.sites.size === 0 && part.attention === undefined) return undefined;
  return {
    sites: Object.fromEntries(part.sites),
    attention: part.attention === undefined ? {} : { [name]: part.attention },
  };
}

/** All sections together, or undefined if the model is an ordinary one. */
export function joinInference(parts: readonly (Inference | undefined)[]): Inference | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  return {
    sites: Object.assign({}, ...known.map(({ sites }) => sites)),
    attention: Object.assign({}, ...known.map(({ attention }) => attention)),
  };
}
