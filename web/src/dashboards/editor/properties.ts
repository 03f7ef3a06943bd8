/** Properties of a widget with one of them changed. */
import type { Properties } from "../dashboard";

const empty = (value: unknown) =>
  value === undefined || value === "" || (typeof value === "object" && value !== null && !Object.keys(value).length);

/** With a value at a path of names; what is empty is left out, and what becomes empty by that. */
export function withProperty(properties: Properties, path: string[], value: unknown): Properties {
  const [name, ...rest] = path as [string, ...string[]];
  const inner = (properties[name] ?? {}) as Properties;
  const now = rest.length ? withProperty(inner, rest, value) : value;
  const { [name]: _, ...others } = properties;
  if (empty(now)) return others;
  return name in properties ? { ...properties, [name]: now } : { ...others, [name]: now };
}

/** What stands at a path; undefined where nothing does. */
export function at(properties: Properties, path: string[]): unknown {
  return path.reduce<unknown>((value, name) => (typeof value === "object" && value !== null ? (value as Properties)[name] : undefined), properties);
}

/** A number as it is typed; undefined of an empty field. */
export const typed = (text: string) => (text.trim() === "" ? undefined : Number(text));

/** What a form of a type of widgets works on. */
export interface Form {
  properties: Properties;
  set: (path: string[], value: unknown) => void;
}
