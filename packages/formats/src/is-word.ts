/** True of `word` in whatever case. A stranger's value may be anything: an object that looks like a text is none. */
export function isWord(value: unknown, word: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === word;
}
