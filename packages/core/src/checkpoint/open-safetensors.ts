import { openFile } from '../folder/open-file.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkRange, findTensor } from './find-tensor.ts';
import { parseSafetensorsHeader, safetensorsHeaderLength } from './safetensors-header.ts';

/** One safetensors file as a checkpoint. */
export interface SafetensorsFile extends Checkpoint {
  /** `__metadata__` of the header. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens one safetensors file: reads and proves its header; tensors are read later, by position. Throws `CompressError`
 * `checkpoint-missing` if there is no such file, and every `safetensors-...` error of the header's parser.
 */
export async function openSafetensors(file: string): Promise<SafetensorsFile> {
  const opened = await openFile(file);
  try {
    const { size } = opened;
    const first = await opened.read(0, Math.min(8, size));
    const length = safetensorsHeaderLength(first, size, file);
    const { tensors, metadata } = parseSafetensorsHeader(await opened.read(8, length), size, file);

    return {
      tensors,
      metadata,
      location: file,
      files: [file],
      async read(name, range) {
        const tensor = findTensor({ location: file, tensors }, name);
        const { start, end } = checkRange(range, tensor.byteLength, file, name);
        return opened.read(tensor.start + start, end - start);
      },
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
