import type { Batch } from '@compress/core';
import type { Matrix } from '@compress/kernels';

/** A matrix that an earlier stage of the section left. */
export function held(batch: Batch, key: string): Matrix {
  const value = batch.state.get(key);
  if (!value || value instanceof Uint32Array) throw new TypeError(`no stage left ${key}: stages run in order`);
  return value;
}

/** The same, for the stage that reads it last: what is not needed any more must not be kept. */
export function taken(batch: Batch, key: string): Matrix {
  const value = held(batch, key);
  batch.state.delete(key);
  return value;
}

/** Token rows that an earlier stage of the section left. */
export function heldRows(batch: Batch, key: string): Uint32Array {
  const value = batch.state.get(key);
  if (!(value instanceof Uint32Array)) throw new TypeError(`no stage left ${key}: stages run in order`);
  return value;
}
