import type { FolderLayout } from '@compress/core';
import { openPytorch } from './open-pytorch.ts';

/** PyTorch's own files, as transformers wrote them before safetensors. */
export const PYTORCH: FolderLayout = {
  single: 'pytorch_model.bin',
  index: 'pytorch_model.bin.index.json',
  extension: '.bin',
  open: openPytorch,
};
