import { CompressError, type Decoder, type Model, type SectionSpec, type TensorInfo } from '@compress/core';
import { checkSizes, checkTensors } from './check-tensors.ts';
import { sectionsOf } from './decoder/sections.ts';
import { findArchitecture } from './find-architecture.ts';
import { openSection } from './forward/open-section.ts';
import { rotaryTables } from './forward/rotary-tables.ts';

/**
 * The model that a checkpoint holds: its sections by the table of its architecture, and the forward pass over them.
 *
 * `config` is the parsed config.json, as old writers and new ones leave it; `tensors` are the checkpoint's. Nothing is read but names and
 * shapes. Throws `CompressError`: `architecture-unknown`, `config-invalid`, `rope-unsupported`, `tensor-missing`, `tensor-shape`,
 * `tensor-unexpected`.
 */
export function modelFromConfig(config: unknown, tensors: ReadonlyMap<string, TensorInfo>): Model {
  const { architecture, settings } = findArchitecture(config);
  const decoder = fitPrefix(architecture.prefixes, tensors, (prefix) => architecture.decoder(settings, prefix));
  checkSizes(decoder, tensors);
  const sections = sectionsOf(decoder);
  checkTensors(decoder, sections, tensors, architecture.buffers);
  return decoderModel(architecture.name, decoder, sections);
}

/** The decoder whose token table the checkpoint has; of the first prefix where it has none, so that the error names the usual tensor. */
function fitPrefix(
  prefixes: readonly string[],
  tensors: ReadonlyMap<string, TensorInfo>,
  decoder: (prefix: string) => Decoder,
): Decoder {
  const candidates = prefixes.map(decoder);
  return candidates.find((candidate) => tensors.has(candidate.tokenTable)) ?? candidates[0];
}

function decoderModel(architecture: string, decoder: Decoder, sections: readonly SectionSpec[]): Model {
  const rotary = rotaryTables();
  const model: Model = {
    architecture,
    hiddenSize: decoder.hiddenSize,
    vocabularySize: decoder.vocabularySize,
    contextLength: decoder.contextLength,
    tied: decoder.tied,
    sections,
    decoder,
    // Ropes hand out the same array for all lengths that they do not tell apart.
    continues: (from, to) =>
      decoder.blocks.every(
        ({ attention: { rope } }) => rope === undefined || rope.frequencies(from) === rope.frequencies(to),
      ),
    untie() {
      if (!decoder.tied) return model;
      const untied = { ...decoder, tied: false };
      return decoderModel(architecture, untied, sectionsOf(untied));
    },
    open(section, weights, kernels) {
      const index = sections.findIndex(({ name }) => name === section.name);
      if (index < 0) throw new CompressError('section-unknown', `This model has no section ${section.name}.`);
      return openSection(decoder, section, index, { weights, kernels, rotary });
    },
    async logits(program, weights, hidden, kernels) {
      const [stage] = program.stages;
      // The head looks at rows alone: which sequence they are of, or which tokens, is all the same to it.
      const batch = {
        sequences: hidden.rows,
        length: 1,
        tokens: new Uint32Array(hidden.rows),
        hidden,
        state: new Map(),
      };
      const linear = weights.linears.get(stage.site.linears[0].name);
      if (!linear) throw new TypeError(`section weights lack the Linear ${stage.site.linears[0].name}`);
      const output = kernels.matrix(hidden.rows, decoder.vocabularySize);
      await kernels.linear({ input: await stage.input(batch), ...linear, output });
      return output;
    },
  };
  return model;
}
