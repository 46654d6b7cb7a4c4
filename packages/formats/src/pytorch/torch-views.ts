import type { PickledTensor } from './pickle-values.ts';

/** Where the elements of a view lie in its storage: [first, last], and whether they lie there one after another, row-major. */
export interface ViewSpan {
  readonly first: number;
  /** Behind the last. */
  readonly end: number;
  readonly elements: number;
  readonly contiguous: boolean;
}

/** Undefined where the span cannot be counted. Dimensions of one element may have any stride. */
export function viewSpan({ offset, shape, strides }: PickledTensor): ViewSpan | undefined {
  let elements = 1;
  let last = offset;
  let contiguous = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== elements) contiguous = false;
    elements *= shape[axis];
    last += Math.max(0, shape[axis] - 1) * strides[axis];
    if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(last)) return undefined;
  }
  return elements === 0
    ? { first: offset, end: offset, elements, contiguous: true }
    : { first: offset, end: last + 1, elements, contiguous };
}

/** Elements [from, to) of a view, row-major, out of the bytes of its span. */
export function gather(
  { offset, shape, strides }: PickledTensor,
  span: ViewSpan,
  bytes: Uint8Array,
  width: number,
  from: number,
  to: number,
): Uint8Array {
  const output = new Uint8Array((to - from) * width);
  const index = indexOf(from, shape);
  let at = index.reduce((sum, i, axis) => sum + i * strides[axis], offset - span.first);
  for (let element = 0; element < to - from; element++) {
    for (let byte = 0; byte < width; byte++) output[element * width + byte] = bytes[at * width + byte];
    // On to the next element: the last axis runs fastest.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return output;
}

function indexOf(element: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length).fill(0);
  let left = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = left % shape[axis];
    left = Math.floor(left / shape[axis]);
  }
  return index;
}
