/** The alarms of an alarm widget, in the order and the states that it wants. */

export interface AlarmState {
  AlarmName: string;
  AlarmArn: string;
  StateValue: string;
  StateReason?: string;
  StateUpdatedTimestamp: number;
  AlarmConfigurationUpdatedTimestamp?: number;
}

export type SortBy = "default" | "stateUpdatedTimestamp" | "timestamp";

const ORDER = ["ALARM", "INSUFFICIENT_DATA", "OK"];
const grave = (one: AlarmState) => ORDER.indexOf(one.StateValue);

const ORDERS: Record<SortBy, (a: AlarmState, b: AlarmState) => number> = {
  default: (a, b) => grave(a) - grave(b) || a.AlarmName.localeCompare(b.AlarmName),
  stateUpdatedTimestamp: (a, b) => grave(a) - grave(b) || b.StateUpdatedTimestamp - a.StateUpdatedTimestamp,
  timestamp: (a, b) => b.StateUpdatedTimestamp - a.StateUpdatedTimestamp,
};

/** Those in the states that are wanted (all where none is named): by state and then name, by state and then the newest
 * change, or by the newest change alone.
 */
export const arranged = (alarms: AlarmState[], sortBy: SortBy, states: string[]) =>
  alarms.filter((one) => !states.length || states.includes(one.StateValue)).sort(ORDERS[sortBy] ?? ORDERS.default);

export const nameOf = (arn: string) => (arn.includes(":alarm:") ? arn.slice(arn.indexOf(":alarm:") + 7) : arn);
