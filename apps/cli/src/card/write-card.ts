import { addOutput, type Format, type Manifest } from '@compress/core';
import type { Evaluation } from '../run/run-recipe.ts';
import { readBaseModel } from './base-model.ts';
import { renderCard } from './render-card.ts';

/** The card's name in an output folder. */
const CARD_FILE = 'README.md';

/** Writes the model card of an output that was made of the model in `source`, with what was measured, and lists it in the manifest, which is returned. */
export async function writeCard(
  { source, output, format }: { readonly source: string; readonly output: string; readonly format: Format },
  manifest: Manifest,
  evaluations: readonly Evaluation[] = [],
): Promise<Manifest> {
  const measures = evaluations.map(({ text, before, after, divergence }) => ({
    text,
    context: after.context,
    windows: after.windows,
    before: before.perplexity,
    after: after.perplexity,
    ...(divergence && { divergence }),
  }));
  const base = await readBaseModel(source);
  const content = renderCard({ manifest, format, base, measures });
  return addOutput(output, manifest, { file: CARD_FILE, content });
}
