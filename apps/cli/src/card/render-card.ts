import { basename } from 'node:path';
import { type Consumer, type Format, INFERENCE_FILE, type Manifest } from '@compress/core';
import type { Divergence } from '@compress/evaluate';
import { stringify } from 'yaml';
import { formatBytes, significant } from '../output/units.ts';
import type { BaseModel } from './base-model.ts';

/** A measure of the model before and after. */
export interface CardMeasure {
  /** Name of the text's file. */
  readonly text: string;
  readonly context: number;
  readonly windows: number;
  readonly before: number;
  readonly after: number;
  /** From the model before, where it was measured. */
  readonly divergence?: Pick<Divergence, 'kl' | 'top1Agreement'>;
}

/** Layers and warnings named; the report has all. */
const NAMED = 5;
const YAML = { lineWidth: 0 } as const;

/**
 * The model card of an output folder: what the Hub shows and indexes. Made of the manifest and of what was measured, so that the same run makes the same
 * bytes; nothing of it depends on where the folder lies.
 */
export function renderCard(p: {
  readonly manifest: Manifest;
  readonly format: Format;
  readonly base: BaseModel;
  readonly measures: readonly CardMeasure[];
}): string {
  const { manifest, format, base, measures } = p;
  const name = base.id ?? basename(modelOf(manifest.recipe) ?? 'model');
  const bits = significant(manifest.totals.bitsPerWeight, 3);
  return [
    `---\n${stringify(metadata(p), YAML)}---`,
    `# ${basename(name)}, ${bits} bits per weight`,
    `The weights of ${base.id === undefined ? `\`${name}\`` : `[${name}](https://huggingface.co/${name})`}, made smaller by Compress (${steps(manifest)}) and stored as \`${format.name}\`.`,
    table(manifest, measures),
    ...notes(manifest),
    '## Recipe',
    fence('yaml', stringify(manifest.recipe, YAML).trimEnd()),
    '## Use',
    'Here `FOLDER` is this folder, or its name on the Hub.',
    ...(format.consumers ?? []).map(usage),
    usage({ name: 'Compress', language: 'sh', program: 'compress eval FOLDER --text a-text.txt --context 1024' }),
    '## Files',
    files(manifest),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** The model that a recipe names; that of a conversion is in the recipe which made what was converted. */
function modelOf(recipe: Readonly<Record<string, unknown>>): string | undefined {
  const { model, from } = recipe;
  if (typeof model === 'string') return model;
  return typeof from === 'object' && from !== null ? modelOf({ ...from }) : undefined;
}

function metadata({ manifest, format, base }: Parameters<typeof renderCard>[0]): object {
  const algorithms = [...new Set(manifest.pipeline.map(({ algorithm }) => algorithm))];
  const { library = 'transformers' } = format.consumers?.[0] ?? {};
  return {
    ...(base.id !== undefined && { base_model: base.id }),
    ...(format.storesCodes && base.id !== undefined && { base_model_relation: 'quantized' }),
    library_name: library,
    pipeline_tag: 'text-generation',
    ...base.metadata,
    tags: [...new Set(['compress', format.name, ...algorithms])],
  };
}

function steps({ pipeline }: Manifest): string {
  return pipeline.map(({ algorithm }) => algorithm).join(', then ');
}

function table({ totals }: Manifest, measures: readonly CardMeasure[]): string {
  return [
    '| | before | after |',
    '| --- | ---: | ---: |',
    `| size of all tensors | ${formatBytes(totals.bytesBefore)} | ${formatBytes(totals.bytesAfter)} |`,
    `| bits per weight of the ${totals.touched} compressed layers | | ${significant(totals.bitsPerWeight, 4)} |`,
    ...measures.flatMap(({ text, context, windows, before, after, divergence }) => {
      const on = `(${text}, ${windows} windows of ${context} tokens)`;
      const perplexity = `| perplexity ${on} | ${before.toFixed(3)} | ${after.toFixed(3)} |`;
      if (divergence === undefined) return [perplexity];
      const { kl, top1Agreement } = divergence;
      return [
        perplexity,
        `| KL divergence from the model before, nats a token: mean, 99th percentile, largest ${on} | | ${[kl.mean, kl.p99, kl.max].map((value) => significant(value, 3)).join(', ')} |`,
        `| same most likely token as the model before ${on} | | ${significant(100 * top1Agreement, 4)} % |`,
      ];
    }),
  ].join('\n');
}

function notes({ outputs, untouched, warnings }: Manifest): string[] {
  const named = untouched.slice(0, NAMED).map(({ layer, reason }) => `\`${layer}\` (${reason})`);
  const more = untouched.length > NAMED ? ` and ${untouched.length - NAMED} more` : '';
  return [
    ...(untouched.length > 0 ? [`Left as they were: ${named.join(', ')}${more}.`] : []),
    ...(warnings.length > 0 ? [`The run gave ${warnings.length} warnings; \`manifest.json\` lists them.`] : []),
    ...(Object.hasOwn(outputs, INFERENCE_FILE)
      ? [
          `The forward pass that was measured also does what \`${INFERENCE_FILE}\` says (rotated or rounded activations, a quantized cache). Of the programs below only Compress does.`,
        ]
      : []),
  ];
}

function usage({ name, install, language, program }: Consumer): string {
  return `${name}${install === undefined ? '' : ` (\`${install}\`)`}:\n\n${fence(language, program)}`;
}

function files({ outputs }: Manifest): string {
  const about: readonly (readonly [string, string])[] = [
    [
      'manifest.json',
      'inputs and outputs with their sha256, options, versions, errors of every layer: `compress verify` proves the folder by it',
    ],
    ['README.base.md', 'the card of the model that was compressed'],
    ['report.html', 'the run with its charts'],
  ];
  return about
    .filter(([name]) => name !== 'README.base.md' || Object.hasOwn(outputs, name))
    .map(([name, what]) => `- \`${name}\`: ${what}`)
    .join('\n');
}

/** A fence longer than any that the text holds. */
function fence(language: string, text: string): string {
  const ticks = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${ticks}${language}\n${text}\n${ticks}`;
}
