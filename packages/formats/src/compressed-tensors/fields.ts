import { CompressError } from '@compress/core';

/** An object of a configuration. */
export type Fields = Readonly<Record<string, unknown>>;

/** `CompressError` `quantization-config` of a file. */
export function configurationError(message: string, location: string): CompressError {
  return new CompressError('quantization-config', message, { file: location });
}

/** Throws where an object has a field that is not among `names` and says something: what is not read could change what the model computes. */
export function refuseOthers(fields: Fields, names: readonly string[], where: string, location: string): void {
  for (const [key, value] of Object.entries(fields))
    if (!names.includes(key) && !isEmpty(value))
      throw configurationError(
        `${where} has the field ${key} = ${JSON.stringify(value)}, which is not read.`,
        location,
      );
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says nothing: absent, null or an object without fields. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0);
}

/** A value in a message. */
export function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
