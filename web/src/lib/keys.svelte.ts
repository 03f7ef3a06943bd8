import { onDestroy, untrack } from "svelte";

/** Keys of the page that is open: each page tells its own, the help lists them all. */

export interface Key {
  /** As `KeyboardEvent.key` has it. */
  key: string;
  /** What it does, for the help. */
  does: string;
  act: () => void;
}

class Keyed {
  // No state itself: what is torn down sees state as it was before the page that comes in its place was there.
  #groups: Key[][] = [];
  #changed = $state.raw({});

  /** Of the frame first, of what is nested deepest last. */
  get groups(): Key[][] {
    void this.#changed;
    return this.#groups;
  }

  set(groups: Key[][]) {
    this.#groups = groups;
    this.#changed = {};
  }
}
export const keyed = new Keyed();

/** Makes keys work as long as the component that calls this lives. */
export function useKeys(keys: Key[]) {
  // At once, not by an effect: those of what is nested run before those of the frame, whose keys would then come last.
  untrack(() => keyed.set([...keyed.groups, keys]));
  onDestroy(() => keyed.set(keyed.groups.filter((one) => one !== keys)));
}

/** Does what a pressed key stands for; typing into a field is left alone, but for Escape, which leaves it. */
export function pressed(event: KeyboardEvent) {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
  // Within a shadow root too: there the event's own target is the root's host.
  const inner = event.composedPath()[0];
  const target = inner instanceof HTMLElement ? inner : null;
  if (target?.matches("input:not([type=checkbox]), textarea, select, [contenteditable=true], dialog *")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const found = keyed.groups.toReversed().flatMap((keys) => keys.filter((one) => one.key === event.key))[0];
  if (!found) return;
  event.preventDefault();
  found.act();
}
