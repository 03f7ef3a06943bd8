/** What this browser keeps between visits. Private windows may refuse storage: a choice then lasts as long as the page. */

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(`epochwatch-${key}`);
  } catch {
    return null;
  }
}

/** Keeps a word; null forgets it. */
export function keep(key: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(`epochwatch-${key}`);
    else localStorage.setItem(`epochwatch-${key}`, value);
  } catch {
    // As said above.
  }
}
