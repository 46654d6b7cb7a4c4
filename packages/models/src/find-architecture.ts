import { CompressError } from '@compress/core';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { Architecture } from './architectures/architecture.ts';
import { architectures } from './architectures/index.ts';
import { readWith } from './config/read-with.ts';

const configSchema = z.looseObject({
  model_type: z.string({ error: 'must name the architecture, e.g. "llama"' }),
  text_config: z.looseObject({ model_type: z.string().nullish() }).nullish(),
});

/** Parts of a model that are no text decoder. */
const OTHER_PARTS = ['vision_config', 'audio_config', 'encoder', 'decoder'];

/**
 * The architecture of a configuration and the settings that describe its decoder: those under `text_config` where a writer put them there.
 * Throws `CompressError` `architecture-unknown`, `config-invalid`.
 */
export function findArchitecture(config: unknown): { architecture: Architecture; settings: Record<string, unknown> } {
  const { text_config, ...outer } = readWith(configSchema, config);
  const settings = text_config ? { ...outer, ...text_config } : outer;
  const type = text_config?.model_type ?? outer.model_type;
  const other = OTHER_PARTS.find((part) => outer[part] !== undefined && outer[part] !== null);
  if (other !== undefined)
    throw new CompressError(
      'architecture-unknown',
      `This ${outer.model_type} has a part described by ${other}; only text decoders are supported, so save its language model alone.`,
      { file: 'config.json' },
    );
  const architecture = architectures.find(({ modelTypes }) => modelTypes.includes(type));
  if (architecture) return { architecture, settings };
  const known = architectures.flatMap(({ modelTypes }) => modelTypes);
  const near = closest(type, known);
  const hint = distance(type, near) <= 3 ? ` Did you mean ${near}?` : '';
  throw new CompressError(
    'architecture-unknown',
    `The architecture ${JSON.stringify(type)} is not known; known are ${known.join(', ')}.${hint}`,
    { file: 'config.json' },
  );
}
