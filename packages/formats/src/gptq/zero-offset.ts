/**
 * What is subtracted from a zero point before it is stored: 1 in version 1 of the format (`checkpoint_format: gptq`), 0 in version 2
 * (`gptq_v2`).
 *
 * Symmetric grids are written as version 1, which every consumer reads: their zero point is the middle code, so the 1 can always be
 * subtracted. Asymmetric grids are written as version 2. In version 1 their zero point 0 (a group without negative weights) would be stored
 * as all ones, from which vLLM's kernels make 2^bits, packed arithmetic carries into the neighbour, and AutoGPTQ's writer made garbage;
 * GPTQModel refuses asymmetric version 1 files of unknown origin. Fitting such groups with a zero point of at least 1 would cost
 * a code for the sake of one file format. Version 2 is read by transformers (through GPTQModel), vLLM and llama.cpp by that name.
 */
export function zeroOffset(symmetric: boolean): 0 | 1 {
  return symmetric ? 1 : 0;
}
