import type { DefinitionHealth } from "../lib/types";

/** What is wrong with a definition, and a line of the log that shows it. */
export interface Problem {
  text: string;
  example: string;
}

/** Whether it is one of a preset that found nothing: presets hold more than any one log has. */
export const isIdle = (one: DefinitionHealth) => one.origin.startsWith("preset:") && one.matched === 0;

/** How many definitions a person should look at. */
export const attention = (health: DefinitionHealth[]) =>
  health.filter((one) => one.problems.length > 0 && !isIdle(one)).length;

/** The server's words end with the line they speak of; apart, it can be shown as a line. */
export function problems(one: DefinitionHealth): Problem[] {
  const examples = [one.example, one.shadowed_example, ...one.ambiguous.map((each) => each.example)];
  return one.problems.map((words) => {
    // The expression has a column of its own.
    if (one.regex && words.endsWith(`: ${one.regex}`)) return { text: words.slice(0, -one.regex.length - 2), example: "" };
    const example = examples.find((line) => line && words.endsWith(`: ${line}`)) ?? "";
    return { text: example ? words.slice(0, -example.length - 2) : words, example };
  });
}

/** How bad it is: `bad` gives no value at all or no more. */
export function tone(one: DefinitionHealth): "good" | "warn" | "bad" {
  if (one.engine.startsWith("disabled") || (one.regex && one.matched === 0)) return "bad";
  return one.problems.length ? "warn" : "good";
}
