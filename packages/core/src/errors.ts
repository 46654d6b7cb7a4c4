/** Where a mistake is: whatever is known of it. Lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly tensor?: string;
  /** Name of a Linear or of a section. */
  readonly layer?: string;
  readonly algorithm?: string;
}

/**
 * Every error that a user can cause or mend. `code` is stable (kebab-case), `message` one sentence that says what is wrong and what
 * to do, ending with a period; the place is put in front of it.
 */
export class CompressError extends Error {
  override readonly name: string = 'CompressError';
  readonly code: string;
  readonly place: Place;

  constructor(code: string, message: string, place: Place = {}, options?: ErrorOptions) {
    super(`${describePlace(place)}${message}`, options);
    this.code = code;
    this.place = place;
  }
}

function describePlace(place: Place): string {
  const position =
    place.line === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`;
  const parts = [
    place.file === undefined ? undefined : `${place.file}${position}`,
    place.algorithm,
    place.layer,
    place.tensor,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : `${parts.join(': ')}: `;
}
