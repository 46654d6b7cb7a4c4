/** A row-major f32 matrix: element (r, c) is `data[r * columns + c]`; `data.length` is exactly `rows * columns`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}
