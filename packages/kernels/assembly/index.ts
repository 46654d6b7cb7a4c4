export * from './memory';
export * from './multiply';
export * from './pack';
export * from './transpose';
export * from './triangular';
