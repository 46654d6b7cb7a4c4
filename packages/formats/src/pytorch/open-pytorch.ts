import { type Checkpoint, checkRange, findTensor, openFile, type TensorInfo } from '@compress/core';
import { elementBytes, isKind } from './build-tensor.ts';
import type { Pickled, PickledTensor } from './pickle-values.ts';
import { pytorchFault, quote } from './pytorch-fault.ts';
import { openTorchArchive, type TorchArchive } from './torch-archive.ts';
import { gather, type ViewSpan, viewSpan } from './torch-views.ts';
import { unpickle } from './unpickle.ts';

/** A tensor, proven to lie in its storage. */
interface StoredView {
  readonly info: TensorInfo;
  readonly tensor: PickledTensor;
  readonly span: ViewSpan;
}

/**
 * Opens a state dict that `torch.save` wrote (the zip archive of torch 1.6 and newer) as a checkpoint. Nothing of its pickle is run. Tensors are read by
 * range where they lie one after another; other views are gathered from the part of the storage that they span, which is in memory for as long as the
 * same tensor is read. A tensor that is to the last byte another one of the file says so by `sharedWith`. Throws `CompressError` `checkpoint-missing`,
 * `pytorch-legacy`, `-zip`, `-compressed`, `-opcode`, `-global`, `-pickle`, `-content`, `-storage`, `-view`, `-too-large`.
 */
export async function openPytorch(file: string): Promise<Checkpoint> {
  const opened = await openFile(file);
  try {
    const archive = await openTorchArchive(opened, file);
    const views = viewsOf(unpickle(archive.pickle, file), archive, file);
    const tensors = new Map([...views].map(([name, { info }]) => [name, info]));
    const location = file;
    let last: { readonly name: string; readonly bytes: Promise<Uint8Array> } | undefined;
    return {
      tensors,
      location,
      files: [file],
      async read(name, range) {
        const { byteLength } = findTensor({ location, tensors }, name);
        const { start, end } = checkRange(range, byteLength, file, name);
        const { tensor, span } = views.get(name)!;
        const { key } = tensor.storage;
        const width = elementBytes(tensor);
        const base = span.first * width;
        if (start === end) return new Uint8Array();
        if (span.contiguous) return archive.readStorage(key, base + start, base + end);
        if (last?.name !== name) last = { name, bytes: archive.readStorage(key, base, span.end * width) };
        const from = Math.floor(start / width);
        const elements = gather(tensor, span, await last.bytes, width, from, Math.ceil(end / width));
        return elements.subarray(start - from * width, end - from * width);
      },
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Every entry of the state dict as a proven view. */
function viewsOf(state: Pickled, archive: TorchArchive, file: string): ReadonlyMap<string, StoredView> {
  if (!(state instanceof Map)) {
    throw pytorchFault('content', 'It does not hold a dict of tensors: save model.state_dict() alone.', file);
  }
  const views = new Map<string, StoredView>();
  const first = new Map<string, string>();
  for (const [name, tensor] of state) {
    if (typeof name !== 'string' || !isKind(tensor, 'tensor')) {
      const what = typeof name === 'string' ? `${quote(name)} is no tensor` : 'A name is no text';
      throw pytorchFault(
        'content',
        `${what}: save model.state_dict() alone, without what training keeps beside it.`,
        file,
      );
    }
    const { storage, dtype, offset, shape, strides } = tensor;
    const identity = JSON.stringify([storage.key, dtype, offset, shape, strides]);
    const sharedWith = first.get(identity);
    if (sharedWith === undefined) first.set(identity, name);
    const span = proveView(name, tensor, archive, file);
    const byteLength = span.elements * elementBytes(tensor);
    const info: TensorInfo = { name, dtype, shape, byteLength, ...(sharedWith !== undefined && { sharedWith }) };
    views.set(name, { info, tensor, span });
  }
  return views;
}

function proveView(name: string, tensor: PickledTensor, archive: TorchArchive, file: string): ViewSpan {
  const { storage } = tensor;
  const stored = archive.storageBytes(storage.key);
  // A storage of bytes counts bytes, any other its elements.
  const claimed = storage.elements * (storage.dtype === undefined ? 1 : elementBytes(tensor));
  if (stored === undefined || stored !== claimed) {
    const found = stored === undefined ? 'is not in the archive' : `has ${stored} bytes there`;
    throw pytorchFault(
      'storage',
      `Its storage ${quote(storage.key)} of ${claimed} bytes ${found}: get the file again.`,
      file,
      name,
    );
  }
  const span = viewSpan(tensor);
  if (span === undefined || span.end * elementBytes(tensor) > stored) {
    throw pytorchFault('view', `Its shape [${tensor.shape}] goes beyond its storage of ${stored} bytes.`, file, name);
  }
  // An expanded view may claim any size: its elements are one another's.
  if (span.elements > span.end - span.first) {
    throw pytorchFault(
      'view',
      'Elements of it lie at the same place (an expanded view): save a clone() of it.',
      file,
      name,
    );
  }
  return span;
}
