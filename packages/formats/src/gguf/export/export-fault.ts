import { CompressError } from '@compress/core';

/** What an export cannot do with a model that is valid. */
export function exportFault(message: string, file: string, tensor?: string): CompressError {
  return new CompressError('gguf-export', message, { file, ...(tensor !== undefined && { tensor }) });
}
