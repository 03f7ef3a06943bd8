/** The states that an alarm was in over a time. */
import type { Alarm, Turn } from "./alarm";

/** By the turns of that time, the first of which is what it was in at its begin; where there are none, it is in its state
 * since it went there, which was before.
 */
export function timeline(alarm: Pick<Alarm, "StateValue" | "StateTransitionedTimestamp" | "StateUpdatedTimestamp">, turns: [number, string][], from: number): Turn[] {
  if (turns.length) return turns.map(([time, state]) => ({ time, state }));
  return [{ time: Math.max(from, alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp), state: alarm.StateValue }];
}
