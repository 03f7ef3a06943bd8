/** What is chosen from in the forms of widgets. */
import { PERIODS as SECONDS } from "../../metrics/graph";

export { STATISTICS } from "../../alarms/draft";
export { VIEWS } from "../../metrics/graph";
export const PERIODS: [string, string][] = [["", "5 m, or suiting the time"], ...SECONDS.map(([value, word]): [string, string] => [String(value), word])];
