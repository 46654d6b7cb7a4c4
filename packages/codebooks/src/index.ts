export { type AbnormalFloatRule, abnormalFloat, abnormalFloatLevels } from './abnormal-float.ts';
export { codebooks } from './codebooks.ts';
export { lloydMax, lloydMaxLevels } from './lloyd-max.ts';
export { minifloatLevels } from './minifloat.ts';
export { normalFloat } from './normal-float.ts';
export { additivePowersOfTwo, powerOfTwo } from './power-of-two.ts';
export * from './small-floats.ts';
export { studentFloat } from './student-float.ts';
export { ternary } from './ternary.ts';
