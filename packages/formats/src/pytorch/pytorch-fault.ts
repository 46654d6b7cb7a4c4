import { CompressError } from '@compress/core';

/** A PyTorch file that is not read: `code` is what follows `pytorch-`. */
export function pytorchFault(code: string, message: string, file: string, tensor?: string): CompressError {
  return new CompressError(`pytorch-${code}`, message, { file, ...(tensor !== undefined && { tensor }) });
}

/** Texts of a stranger's file in messages: printable and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
