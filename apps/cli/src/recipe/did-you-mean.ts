import { distance } from 'fastest-levenshtein';

/** The known word that was probably meant, or undefined when none is near: a third of the letters may be wrong, but at least two. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, edits: distance(plain(word), plain(candidate)) }))
    .sort((left, right) => left.edits - right.edits);
  return ranked.length > 0 && ranked[0].edits <= limit ? ranked[0].candidate : undefined;
}

/** `group_size`, `group-size` and `GroupSize` are all one slip away from `groupSize`. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '');
}
