import type { ReportLayer } from './report.ts';

/**
 * `model.layers.12.mlp.down_proj` is the kind `mlp.down_proj` in block 12; what has no number is its own kind in block 0. Further numbers
 * (experts) are not told apart.
 */
export function kindOf(layer: string): { readonly kind: string; readonly block: number } {
  const match = /^.*?\.(\d+)\.(.+)$/.exec(layer);
  if (match === null) return { kind: layer, block: 0 };
  return { kind: match[2].replaceAll(/(?<=^|\.)\d+(?=\.|$)/g, '*'), block: Number(match[1]) };
}

/** The figure that tells a layer's error, and the same figure of round-to-nearest on the same grid where the algorithm reports it. */
export interface ErrorFigure {
  readonly key: string;
  readonly rtnKey?: string;
}

/** Of the step that treated the first layer last: `loss` beside `rtnLoss` before any figure that stands alone. Other steps' layers need not have it. */
export function errorFigure(layers: readonly ReportLayer[]): ErrorFigure | undefined {
  const keys = Object.keys(layers.findLast(({ layer }) => layer === layers[0].layer)?.figures ?? {});
  const rtn = (key: string) => `rtn${key[0].toUpperCase()}${key.slice(1)}`;
  const paired = keys.find((key) => keys.includes(rtn(key)));
  if (paired !== undefined) return { key: paired, rtnKey: rtn(paired) };
  return keys.length === 0 ? undefined : { key: keys[0] };
}
