/** What is chosen from in the forms of widgets. */
import { PERIODS as SECONDS } from "../../metrics/graph";

export { VIEWS } from "../../metrics/graph";
export const PERIODS: [string, string][] = [["", "5 m, or suiting the time"], ...SECONDS.map(([value, word]): [string, string] => [String(value), word])];
export const STATISTICS = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99", "tm90", "IQM"];
