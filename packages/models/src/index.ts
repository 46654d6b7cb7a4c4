export { modelFromConfig } from './model-from-config.ts';
