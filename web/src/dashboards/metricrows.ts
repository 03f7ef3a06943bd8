/** Rows of metrics as dashboards may write them: with the short forms of what the row before has. */
import { optionsOf, type Row } from "../metrics/metricrow";

/** The rows with `"."` and `"..."` written out. */
export function writtenOut(rows: Row[]): Row[] {
  let before: string[] = [];
  return rows.map((row) => {
    const words = row.filter((one): one is string => typeof one === "string");
    if (!words.length) return row;
    const rest = words[0] === "..." ? [...before.slice(0, before.length - (words.length - 1)), ...words.slice(1)] : words;
    before = rest.map((word, place) => (word === "." ? (before[place] ?? word) : word));
    const options = optionsOf(row);
    return Object.keys(options).length ? [...before, options] : before;
  });
}
