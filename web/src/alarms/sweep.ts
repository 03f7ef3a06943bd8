/** What to suggest of settings that were tried. */

/** How often people want to hear of something. */
const WANTED = [0, 1, 3, 10];

/** For each of a few numbers of times, the strictest setting with which it would have gone off so often, but not more.
 * `above`: a greater setting is the more lenient.
 */
export function suggestions(tried: [number, number][], above: boolean): [number, number][] {
  const strictFirst = above ? tried : tried.toReversed();
  const found = WANTED.flatMap((wanted): [number, number][] => {
    // Behind the last that goes off more often: a stricter one could do so by chance.
    const last = strictFirst.findLastIndex(([, times]) => times > wanted);
    const next = strictFirst[last + 1];
    return next ? [next] : [];
  });
  // One that is in alarm all the time goes off once: that is no answer to who wants to hear of it more often.
  return found.filter(([, times], at) => found.slice(0, at).every(([, fewer]) => fewer < times));
}
