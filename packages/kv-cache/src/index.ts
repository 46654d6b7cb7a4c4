export * from './cache-inference.ts';
export * from './kv-cache.ts';
export * from './options.ts';
