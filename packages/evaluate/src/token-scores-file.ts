import { CompressError, createSafetensors, openSafetensors, type SafetensorsFile } from '@compress/core';
import type { TokenScores } from './score-text.ts';
import { littleEndian, type TextIdentity } from './text-identity.ts';

/** What the file says of itself. */
const KIND = 'compress token scores 1';

/** Scores in a file, with what they are scores of. */
export interface StoredScores extends TokenScores {
  readonly file: string;
  /** Whose scores they are: for people. */
  readonly model: string;
  readonly text: TextIdentity;
}

/**
 * Writes scores as a safetensors file: `nll` F64, `token` U32 and `position` U32, `[scored]` each, and in `__metadata__` `kind`, `model` and the
 * parts of {@link TextIdentity}. Sixteen bytes a token.
 */
export async function writeTokenScores({ file, model, text, positions, tokens, nll }: StoredScores): Promise<void> {
  const shape = [nll.length];
  const writer = await createSafetensors(
    file,
    [
      { name: 'nll', dtype: 'F64', shape, byteLength: 8 * nll.length },
      { name: 'position', dtype: 'U32', shape, byteLength: 4 * nll.length },
      { name: 'token', dtype: 'U32', shape, byteLength: 4 * nll.length },
    ],
    { kind: KIND, model, ...text },
  );
  try {
    await writer.write('nll', doubles(nll));
    await writer.write('position', littleEndian(positions));
    await writer.write('token', littleEndian(tokens));
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Reads what {@link writeTokenScores} wrote. Throws `CompressError` `scores-invalid`, and those of `openSafetensors`. */
export async function readTokenScores(file: string): Promise<StoredScores> {
  const opened = await openSafetensors(file);
  try {
    const { kind, model, ...text } = Object.fromEntries(opened.metadata);
    if (kind !== KIND) {
      throw new CompressError(
        'scores-invalid',
        `This is no file of token scores: its kind is ${kind ?? 'not given'}.`,
        { file },
      );
    }
    const nll = await view(opened, 'nll', 'F64');
    const [positions, tokens] = [await view(opened, 'position', 'U32'), await view(opened, 'token', 'U32')];
    return {
      file,
      model,
      text: text as TextIdentity,
      positions: Uint32Array.from({ length: positions.byteLength / 4 }, (_, i) => positions.getUint32(4 * i, true)),
      tokens: Uint32Array.from({ length: tokens.byteLength / 4 }, (_, i) => tokens.getUint32(4 * i, true)),
      nll: Float64Array.from({ length: nll.byteLength / 8 }, (_, i) => nll.getFloat64(8 * i, true)),
    };
  } finally {
    await opened.close();
  }
}

async function view(opened: SafetensorsFile, name: string, dtype: string): Promise<DataView> {
  const info = opened.tensors.get(name);
  if (info?.dtype !== dtype || info.shape.length !== 1 || info.shape[0] !== opened.tensors.get('nll')?.shape[0]) {
    const message = `A file of token scores has ${name} as ${dtype}, one for each token; this one has not.`;
    throw new CompressError('scores-invalid', message, { file: opened.location });
  }
  const bytes = await opened.read(name);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function doubles(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const target = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    target.setFloat64(8 * i, value, true);
  });
  return bytes;
}
