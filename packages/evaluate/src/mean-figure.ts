/** A mean of many values. */
export interface Figure {
  readonly mean: number;
  /** Standard error of the mean if the values were independent; 0 of a single one. */
  readonly standardError: number;
}

/** The mean of values and its standard error. */
export function meanFigure(values: Float64Array): Figure {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length) };
}
