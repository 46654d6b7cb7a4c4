export * from './memory';
export * from './multiply';
export * from './pack';
