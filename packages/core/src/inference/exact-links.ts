import type { SectionSpec } from '../model/model.ts';
import type { SectionInference } from './section-inference.ts';

/** The section without the links into sites that its forward pass rotates: a scale of one channel of what is rotated is no scale of one channel before. */
export function withExactLinks(section: SectionSpec, { sites }: SectionInference): SectionSpec {
  const isRotated = (site: string) => sites.get(site)?.rotation !== undefined;
  const links = section.links.filter(
    (link) => !isRotated(link.site) && !(link.kind === 'norm' && link.alsoScale.some(isRotated)),
  );
  return { ...section, links };
}
