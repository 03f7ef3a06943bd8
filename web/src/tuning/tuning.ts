/** Tuning jobs: what AWS's operations and our own endpoint tell of them, and what is drawn of it. */
import type { ParallelAxis } from "../charts/parallel";
import { get, operation } from "../lib/api";
import { BASE } from "../lib/router.svelte";

export const TUNING = `${BASE}tuning`;
export const tuningPath = (name: string) => `${TUNING}/${encodeURIComponent(name)}`;

export interface Objective {
  Type: "Minimize" | "Maximize";
  MetricName: string;
}

/** What of DescribeHyperParameterTuningJob, and of Search, is shown. Times are Unix seconds. */
export interface TuningJob {
  HyperParameterTuningJobName: string;
  HyperParameterTuningJobArn: string;
  HyperParameterTuningJobStatus: string;
  CreationTime: number;
  LastModifiedTime: number;
  HyperParameterTuningEndTime?: number;
  FailureReason?: string;
  HyperParameterTuningJobConfig: {
    Strategy: string;
    HyperParameterTuningJobObjective?: Objective;
    ResourceLimits: { MaxNumberOfTrainingJobs?: number; MaxParallelTrainingJobs?: number; MaxRuntimeInSeconds?: number };
    TrainingJobEarlyStoppingType?: string;
    RandomSeed?: number;
  };
  TrainingJobDefinition?: { TuningObjective?: Objective };
  TrainingJobDefinitions?: { TuningObjective?: Objective }[];
  WarmStartConfig?: { WarmStartType: string };
  TrainingJobStatusCounters: { Completed: number; InProgress: number; NonRetryableError: number; Stopped: number };
  ObjectiveStatusCounters: { Succeeded: number; Pending: number; Failed: number };
  TuningJobCompletionDetails?: { NumberOfTrainingJobsObjectiveNotImproving?: number; ConvergenceDetectedTime?: number };
  BestTrainingJob?: BestTraining;
  OverallBestTrainingJob?: BestTraining & { TuningJobName?: string };
}

export interface BestTraining {
  TrainingJobName: string;
  TunedHyperParameters: Record<string, string>;
  FinalHyperParameterTuningJobObjectiveMetric?: { MetricName: string; Value: number };
}

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

const NAMED = (name: string) => ({ HyperParameterTuningJobName: name });

export const tunings = {
  describe: (name: string) => operation<TuningJob>("sagemaker", "DescribeHyperParameterTuningJob", NAMED(name)),
  stop: (name: string) => operation("sagemaker", "StopHyperParameterTuningJob", NAMED(name)),
  remove: (name: string) => operation("sagemaker", "DeleteHyperParameterTuningJob", NAMED(name)),
  detail: (name: string) => get<TuningDetail>(`tuning/${encodeURIComponent(name)}`),
  /** A page of them, newest first. */
  search: async (words: string, status: string, most: number) => {
    const filters = [
      words && { Name: "HyperParameterTuningJobName", Operator: "Contains", Value: words },
      status && { Name: "HyperParameterTuningJobStatus", Operator: "Equals", Value: status },
    ].filter(Boolean);
    const found = await operation<{ Results?: { HyperParameterTuningJob: TuningJob }[]; TotalHits?: { Value: number } }>("sagemaker", "Search", {
      Resource: "HyperParameterTuningJob",
      SortBy: "CreationTime",
      SortOrder: "Descending",
      MaxResults: most,
      ...(filters.length ? { SearchExpression: { Filters: filters } } : {}),
    });
    const jobs = (found.Results ?? []).map((one) => one.HyperParameterTuningJob);
    return { jobs, total: found.TotalHits?.Value ?? jobs.length };
  },
};

/** The objective of the only, or first, training job definition. */
export const objectiveOf = (job: TuningJob): Objective | undefined =>
  job.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective ?? job.TrainingJobDefinition?.TuningObjective ?? job.TrainingJobDefinitions?.[0]?.TuningObjective;

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

/** The best final objective up to each training that succeeded, in the order given. */
export function bestSoFar(trainings: Training[], maximize: boolean): (number | null)[] {
  let best: number | null = null;
  return trainings.map(({ objective, objective_status }) => {
    if (objective !== null && objective_status === "Succeeded" && (best === null || (maximize ? objective > best : objective < best))) best = objective;
    return best;
  });
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
