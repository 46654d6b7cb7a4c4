export { type SmoothQuantOptions, smoothQuantOptions } from './options.ts';
export { type AlphaFound, type AlphaSearch, searchAlpha } from './search-alpha.ts';
export { type SmoothingRequest, smoothingScale } from './smoothing-scale.ts';
export { smoothquant } from './smoothquant.ts';
