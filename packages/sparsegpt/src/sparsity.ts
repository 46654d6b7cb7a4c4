import { CompressError } from '@compress/core';

/** `n:m` as consumers of sparse weights write it: of each m neighbouring inputs of a row, n are kept. */
export const PATTERN = /^([1-9]\d*):([1-9]\d*)$/;

/** Of weights, where neither a share nor a pattern is given. */
export const DEFAULT_SPARSITY = 0.5;

/** How many weights go: a share, or a pattern; half unless one is given. */
export interface SparsityChoice {
  /** Share of weights that become 0, 0 to 1. @default 0.5 */
  readonly sparsity?: number | undefined;
  /**
   * `n:m` keeps n of each m neighbouring inputs of a row: `2:4` for sparse tensor cores, `1:4` prunes three quarters. (SparseGPT's script
   * counts the pruned instead, which differs where n is not half of m.)
   */
  readonly pattern?: string | undefined;
}

/** A {@link SparsityChoice} that was checked. */
export type Sparsity =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'pattern'; readonly kept: number; readonly of: number };

/** Why this is no sparsity, or undefined. */
export function sparsityMistake({ sparsity, pattern }: SparsityChoice): string | undefined {
  if (sparsity !== undefined && pattern !== undefined)
    return `A sparsity of ${sparsity} and the pattern ${pattern} exclude each other; give one of them.`;
  if (sparsity !== undefined && !(sparsity >= 0 && sparsity <= 1))
    return `A sparsity is a share from 0 to 1, which ${sparsity} is not.`;
  if (pattern === undefined) return undefined;
  const [, kept, of] = PATTERN.exec(pattern) ?? [];
  if (Number(kept) < Number(of)) return undefined;
  return `A pattern is n:m with n smaller than m, such as "2:4", which ${JSON.stringify(pattern)} is not.`;
}

/** Throws `CompressError` `sparsity-invalid`. */
export function resolveSparsity(choice: SparsityChoice, layer?: string): Sparsity {
  const mistake = sparsityMistake(choice);
  if (mistake !== undefined) throw new CompressError('sparsity-invalid', mistake, layer === undefined ? {} : { layer });
  if (choice.pattern === undefined) return { kind: 'share', share: choice.sparsity ?? DEFAULT_SPARSITY };
  const [, kept, of] = PATTERN.exec(choice.pattern)!;
  return { kind: 'pattern', kept: Number(kept), of: Number(of) };
}

/** Why `columns` cannot carry the sparsity, or undefined. */
export function columnsObjection(columns: number, sparsity: Sparsity): string | undefined {
  if (sparsity.kind === 'share' || columns % sparsity.of === 0) return undefined;
  return `${columns} input columns cannot be cut into groups of ${sparsity.of}, as the pattern ${sparsity.kept}:${sparsity.of} demands; give this layer a sparsity of its own.`;
}

/** Throws `CompressError` `sparsity-invalid`. */
export function requireColumns(columns: number, sparsity: Sparsity, layer?: string): void {
  const objection = columnsObjection(columns, sparsity);
  if (objection !== undefined)
    throw new CompressError('sparsity-invalid', objection, layer === undefined ? {} : { layer });
}
