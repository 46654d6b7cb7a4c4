import { type Grid, tableGrid } from '@compress/core';

/** -1, 0 and 1 times a scale, which is searched: at the absmax of a group nearly every weight would become 0. */
export const ternary: Grid = tableGrid({ name: 'ternary', levels: [-1, 0, 1], scales: 'mse' });
