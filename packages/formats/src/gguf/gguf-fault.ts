import { CompressError } from '@compress/core';

/** A GGUF file that breaks a rule: `code` is what follows `gguf-`. */
export function ggufFault(code: string, message: string, file: string, tensor?: string): CompressError {
  return new CompressError(`gguf-${code}`, message, {
    file,
    ...(tensor === undefined ? {} : { tensor: JSON.stringify(tensor).slice(1, -1) }),
  });
}
