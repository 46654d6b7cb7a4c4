/** A row-major matrix of int8 with a scale for each row: element (r, c) is `codes[r * columns + c] * scales[r]`. */
export interface Int8Rows {
  readonly rows: number;
  readonly columns: number;
  /** `[rows * columns]` */
  readonly codes: Int8Array;
  /** `[rows]` */
  readonly scales: Float32Array;
}
