import type { Place } from '@compress/core';
import { type Document, isCollection, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

export type Path = readonly PropertyKey[];

/** Finds the place in a file that a path into its value came from. */
export interface SourceMap {
  /** Of the value at `path`, or of the innermost collection around it that exists. */
  value(path: Path): Place;
  /** Of the key `key` in the map at `path`. */
  key(path: Path, key: string): Place;
}

export function sourceMap(file: string, document: Document.Parsed, lines: LineCounter): SourceMap {
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const at = (node: unknown): Place => place((node as Node | null)?.range?.[0] ?? 0);
  return {
    value: (path) => at(descend(document.contents, path)),
    key: (path, key) => {
      const map = descend(document.contents, path);
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
      return at(pair?.key ?? map);
    },
  };
}

function descend(root: unknown, path: Path): unknown {
  let node = root;
  for (const part of path) {
    if (!isMap(node) && !isSeq(node)) return node;
    // Where a list of one may be written without the list, its only entry stands for it.
    if (isMap(node) && part === 0) continue;
    const next = node.get(part, true);
    if (next === undefined || next === null) return node;
    if (!isCollection(next) && !isScalar(next)) return node;
    node = next;
  }
  return node;
}
