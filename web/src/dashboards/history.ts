/** Changes of a text that can be undone and done again. */

interface Step {
  text: string;
  /** What was done after it. */
  what: string;
}

export interface History {
  past: Step[];
  now: string;
  future: Step[];
}

const MOST = 100;

export const begun = (text: string): History => ({ past: [], now: text, future: [] });

export function changed(history: History, text: string, what: string): History {
  if (text === history.now) return history;
  return { past: [...history.past, { text: history.now, what }].slice(-MOST), now: text, future: [] };
}

export function undone({ past, now, future }: History): History {
  const last = past.at(-1);
  if (!last) return { past, now, future };
  return { past: past.slice(0, -1), now: last.text, future: [{ text: now, what: last.what }, ...future] };
}

export function redone({ past, now, future }: History): History {
  const [next, ...rest] = future;
  if (!next) return { past, now, future };
  return { past: [...past, { text: now, what: next.what }], now: next.text, future: rest };
}
