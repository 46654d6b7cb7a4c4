export { type RtnOptions, rtnOptions } from './options.ts';
export { quantizeRtn, type RtnRequest, type RtnResult } from './quantize-rtn.ts';
export { createRtn, rtn } from './rtn.ts';
