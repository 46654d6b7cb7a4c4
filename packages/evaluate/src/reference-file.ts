import {
  type Checkpoint,
  CompressError,
  createSafetensors,
  openSafetensors,
  type SafetensorsWriter,
  type TensorInfo,
} from '@compress/core';
import { rowsOf } from './make-batches.ts';
import { samplePositions, visitSamples } from './sample-rows.ts';
import { checkFinite, scoreGroup } from './score-sequences.ts';
import { checkedWindows, scoredTokens, type TextRequest, type TokenScores } from './score-text.ts';
import { requireSameText, type TextIdentity, textIdentity } from './text-identity.ts';
import { walkSequences } from './walk-sequences.ts';

/** What the file says of itself. */
const KIND = 'compress reference 1';

/** Names of the tensors in it; the sampled stream after a section has {@link streamName}. */
const HIDDEN = 'hidden';
const NLL = 'nll';
const WEIGHT = 'head.weight';
const BIAS = 'head.bias';
const streamName = (section: string) => `stream.${section}`;

/** Whose distributions a file holds. */
export interface ReferenceModel {
  /** For people. */
  readonly name: string;
  /** sha256 of everything that decides what the model computes. */
  readonly digest: string;
}

/** The distributions of one model over the scored tokens of a text, to hold other models against. */
export interface Reference {
  readonly model: ReferenceModel;
  readonly text: TextIdentity;
  /** Its tensors: `hidden` [scored, hidden] F32, `nll` [scored] F64, `head.weight` [vocabulary, hidden] and perhaps `head.bias`, `stream.<section>` [samples, hidden] F32. */
  readonly checkpoint: Checkpoint;
}

/**
 * Runs the reference model over a text and keeps, in one safetensors file, what its distributions follow from: the input of its output head at every
 * scored position (f32), and the head. That is a few kilobytes a token where log-probabilities of the whole vocabulary are hundreds, and
 * nothing is rounded. Beside it are the likelihoods, and the residual stream after every section at up to 256 positions.
 */
export async function writeReference(
  request: TextRequest & { readonly file: string; readonly reference: ReferenceModel },
): Promise<TokenScores> {
  const { model, file, reference } = request;
  const windows = checkedWindows(request);
  const { positions, tokens } = scoredTokens(windows);
  const samples = samplePositions(rowsOf(windows));
  const metadata = { kind: KIND, model: reference.name, digest: reference.digest, ...textIdentity(windows, request) };
  const writer = await createSafetensors(file, tensorsOf(request, tokens.length, samples.length), metadata);
  try {
    const rowBytes = 4 * model.hiddenSize;
    const nll = new Float64Array(tokens.length);
    const walk = { ...request, sequences: windows };
    await walkSequences(walk, {
      afterSection: visitSamples(samples, ({ name }, sample, row) =>
        writer.write(streamName(name), bytesOf(row), sample * rowBytes),
      ),
      atHead: async (group) => {
        await writer.write(HIDDEN, bytesOf(group.normed.data), group.first * rowBytes);
        nll.set(await scoreGroup(walk, group), group.first);
      },
    });
    checkFinite(walk, nll);
    await writer.write(NLL, bytesOf(nll));
    await copyHead(request, writer);
    await writer.finish();
    return { positions, tokens, nll };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/**
 * Opens what {@link writeReference} wrote; the caller closes `checkpoint`. Throws `CompressError` `reference-invalid`, and `reference-stale`
 * where it is not of this text, cut in this way, or (with `digest`) not of this model; it names what differs.
 */
export async function openReference(
  file: string,
  wanted: { readonly text: TextIdentity; readonly digest?: string },
): Promise<Reference> {
  const opened = await openSafetensors(file);
  try {
    const { kind, model, digest, ...text } = Object.fromEntries(opened.metadata);
    if (kind !== KIND) {
      const message = `This is no reference that compress eval wrote: its kind is ${kind ?? 'not given'}.`;
      throw new CompressError('reference-invalid', message, { file });
    }
    requireSameText(wanted.text, text as TextIdentity, { file, code: 'reference-stale' });
    if (wanted.digest !== undefined && wanted.digest !== digest) {
      const message = `This was made of another model: ${model}, of digest ${digest}, not ${wanted.digest}.`;
      throw new CompressError('reference-stale', message, { file });
    }
    return { model: { name: model, digest }, text: text as TextIdentity, checkpoint: opened };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The head of a reference, as its file holds it. */
export function referenceHead({ checkpoint }: Reference) {
  const [outFeatures, inFeatures] = checkpoint.tensors.get(WEIGHT)!.shape;
  return { outFeatures, inFeatures, weight: WEIGHT, ...(checkpoint.tensors.has(BIAS) && { bias: BIAS }) };
}

/** Rows [start, end) of the input of a reference's head. */
export async function referenceHidden({ checkpoint }: Reference, start: number, end: number): Promise<Float32Array> {
  const width = 4 * checkpoint.tensors.get(HIDDEN)!.shape[1];
  return floats(await checkpoint.read(HIDDEN, { start: start * width, end: end * width }));
}

/** A reference's residual stream after a section at the sampled positions, `[samples, hidden]`; undefined where it has no such section. */
export async function referenceStream({ checkpoint }: Reference, section: string): Promise<Float32Array | undefined> {
  const name = streamName(section);
  return checkpoint.tensors.has(name) ? floats(await checkpoint.read(name)) : undefined;
}

function tensorsOf({ model, checkpoint }: TextRequest, scored: number, samples: number): TensorInfo[] {
  const tensor = (name: string, shape: number[]): TensorInfo => ({
    name,
    dtype: 'F32',
    shape,
    byteLength: 4 * shape.reduce((product, size) => product * size, 1),
  });
  const { weight, bias } = headOf(model);
  return [
    { name: NLL, dtype: 'F64', shape: [scored], byteLength: 8 * scored },
    tensor(HIDDEN, [scored, model.hiddenSize]),
    ...model.sections
      .filter(({ kind }) => kind !== 'head')
      .map(({ name }) => tensor(streamName(name), [samples, model.hiddenSize])),
    { ...plain(checkpoint.tensors.get(weight)!), name: WEIGHT },
    ...(bias === undefined ? [] : [{ ...plain(checkpoint.tensors.get(bias)!), name: BIAS }]),
  ];
}

async function copyHead({ model, checkpoint }: TextRequest, writer: SafetensorsWriter): Promise<void> {
  const { weight, bias } = headOf(model);
  await copy(weight, WEIGHT);
  if (bias !== undefined) await copy(bias, BIAS);

  async function copy(from: string, to: string): Promise<void> {
    const { byteLength } = checkpoint.tensors.get(from)!;
    for (let start = 0; start < byteLength; start += PIECE_BYTES) {
      const end = Math.min(byteLength, start + PIECE_BYTES);
      await writer.write(to, await checkpoint.read(from, { start, end }), start);
    }
  }
}

/** Bytes copied at one time. */
const PIECE_BYTES = 4 * 2 ** 20;

const headOf = ({ sections }: TextRequest['model']) =>
  sections.find(({ kind }) => kind === 'head')!.sites[0].linears[0];

const plain = ({ dtype, shape, byteLength }: TensorInfo) => ({ dtype, shape, byteLength });

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Bytes of a file at any alignment, as floats. */
function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
