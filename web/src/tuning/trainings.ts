/** A tuning job's trainings as our own endpoint tells of them, and what is drawn of them. */
import type { ParallelAxis } from "../charts/parallel";

export interface Training {
  name: string;
  definition: string;
  values: Record<string, string>;
  status: string;
  objective_status: "Succeeded" | "Pending" | "Failed";
  /** The newest value, also of one that still trains. */
  objective: number | null;
  created: number;
  started: number | null;
  ended: number | null;
  failure_reason: string;
}

export type Parameter =
  | { name: string; choices: string[] }
  | { name: string; low: number; high: number; scaling: string; whole: boolean };

export interface Definition {
  name: string;
  objective: { metric: string; maximize: boolean };
  parameters: Parameter[];
  /** Shares of 1; empty where too little is known. */
  importance: Record<string, number>;
  /** Spearman's, null where there is none. */
  correlation: Record<string, number | null>;
  /** How many trainings must succeed before importance can be told. */
  least: number;
}

export interface TuningDetail {
  name: string;
  most: number;
  parents: string[];
  definitions: Definition[];
  trainings: Training[];
}

/** `Logarithmic` ranges have a logarithmic axis. */
export const kindOf = (parameter: Parameter): ParallelAxis["kind"] =>
  "choices" in parameter ? "category" : parameter.scaling === "Logarithmic" ? "log" : "linear";

/** An axis a parameter, then the objective. */
export function axesOf(definition: Definition, trainings: Training[]): ParallelAxis[] {
  return [
    ...definition.parameters.map((one) => ({
      name: one.name,
      kind: kindOf(one),
      values: trainings.map((training) => training.values[one.name] ?? null),
    })),
    { name: definition.objective.metric, kind: "linear", values: trainings.map((training) => training.objective) },
  ];
}

/** The best final objective up to each training that succeeded, where they come in the order of `places`. */
export function bestBy(trainings: Training[], places: number[], maximize: boolean): (number | null)[] {
  const found: (number | null)[] = trainings.map(() => null);
  let best: number | null = null;
  const order = trainings.map((_, index) => index).sort((a, b) => places[a]! - places[b]!);
  for (const index of order) {
    const { objective, objective_status } = trainings[index]!;
    if (objective !== null && objective_status === "Succeeded" && (best === null || (maximize ? objective > best : objective < best))) best = objective;
    found[index] = best;
  }
  return found;
}

export type Column = "name" | "status" | "objective" | "created" | "duration" | `value:${string}`;

/** The trainings by a column of their table; what has no value comes last, either way. */
export function sorted(trainings: Training[], by: Column, descending: boolean, now: number): Training[] {
  const key = (one: Training): string | number | null => {
    if (by.startsWith("value:")) {
      const text = one.values[by.slice(6)];
      return text === undefined ? null : Number.isFinite(Number(text)) ? Number(text) : text;
    }
    if (by === "duration") return one.started === null ? null : (one.ended ?? now) - one.started;
    return one[by as "name" | "status" | "objective" | "created"];
  };
  return trainings
    .map((one) => ({ one, at: key(one) }))
    .sort((a, b) => {
      if (a.at === null || b.at === null) return Number(a.at === null) - Number(b.at === null);
      const order = typeof a.at === "number" && typeof b.at === "number" ? a.at - b.at : String(a.at).localeCompare(String(b.at), "en", { numeric: true });
      return descending ? -order : order;
    })
    .map(({ one }) => one);
}
