/** `tokenizer.ggml.token_type` (llama.cpp, `llama_token_type`). */
export const NORMAL = 1;
/** What an unknown word becomes. */
export const UNKNOWN = 2;
/** Written only as itself, and no part of a text. */
export const CONTROL = 3;
/** Written only as itself, and part of a text. */
export const USER_DEFINED = 4;
/** There to fill the table up. */
export const UNUSED = 5;
/** One byte. */
export const BYTE = 6;
