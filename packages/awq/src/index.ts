export { awq, createAwq } from './awq.ts';
export { type ClippedWeight, type ClipRequest, clipWeight } from './clip-weight.ts';
export { type AwqOptions, awqOptions } from './options.ts';
export { type AwqScale, type AwqSearch, searchScale } from './search-scale.ts';
