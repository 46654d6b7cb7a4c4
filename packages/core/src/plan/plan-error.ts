import type { Objection } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';

/** Kinds of problems named in the message; the rest are counted. */
const NAMED = 8;

/** Why a request cannot be carried out: everything that is known before any work, at once. `code` is `plan`. */
export class PlanError extends CompressError {
  override readonly name = 'PlanError';
  /** `layer` is empty where the problem is of the request as a whole. */
  readonly problems: readonly Objection[];

  constructor(problems: readonly Objection[]) {
    super('plan', describe(problems));
    this.problems = problems;
  }
}

/** The same sentence about thirty layers is said once. */
function describe(problems: readonly Objection[]): string {
  const layers = new Map<string, string[]>();
  for (const { layer, message } of problems) layers.set(message, [...(layers.get(message) ?? []), layer]);
  const lines = [...layers].map(([message, [first, ...others]]) => {
    const where = others.length > 0 ? `${first} and ${others.length} more: ` : first === '' ? '' : `${first}: `;
    return `${where}${message}`;
  });
  if (lines.length === 1) return lines[0];
  const rest = lines.length > NAMED ? [`and ${lines.length - NAMED} more.`] : [];
  return [`${lines.length} things stand in the way.`, ...lines.slice(0, NAMED), ...rest].join('\n  - ');
}
