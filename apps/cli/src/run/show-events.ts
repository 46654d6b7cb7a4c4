import type { RunEvent } from '@compress/core';
import type { Progress } from '../progress/progress.ts';

/** A view of the walk's events: how far it is, what it warns of. `label` says what is being done. */
export function showEvents(progress: Progress, label: string): (event: RunEvent) => void {
  const state = { share: 0, secondsLeft: undefined as number | undefined };
  const update = (detail?: string) => {
    const { share, secondsLeft } = state;
    progress.update({
      label,
      share,
      ...(detail === undefined ? {} : { detail }),
      ...(secondsLeft === undefined ? {} : { secondsLeft }),
    });
  };
  return (event) => {
    switch (event.type) {
      case 'start':
        if (event.resumedSections > 0) {
          progress.log(`Going on from the journal: ${event.resumedSections} of ${event.sections} sections are done.`);
        }
        return update();
      case 'survey':
        return progress.update({ label: 'Surveying', share: event.done / event.total, detail: event.section });
      case 'site':
        return update(event.site);
      case 'section':
        state.share = event.done / event.total;
        state.secondsLeft = event.secondsLeft;
        return update(event.section);
      case 'warning':
        return progress.log(`warning: ${event.warning.layer}: ${event.algorithm}: ${event.warning.message}`);
    }
  };
}
