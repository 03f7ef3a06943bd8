/** What DescribeTrainingJob tells of a job beyond our own record, and how it is shown. */
import { get, operation } from "../lib/api";

export interface RuleStatus {
  RuleConfigurationName: string;
  RuleEvaluationJobArn?: string;
  RuleEvaluationStatus?: string;
  StatusDetails?: string;
  LastModifiedTime?: number;
}

export interface Channel {
  ChannelName: string;
  DataSource?: { S3DataSource?: { S3Uri: string; S3DataType?: string }; FileSystemDataSource?: { FileSystemId: string; DirectoryPath?: string } };
  ContentType?: string;
  InputMode?: string;
}

/** Times are Unix seconds. */
export interface Described {
  TrainingJobName: string;
  TuningJobArn?: string;
  HyperParameters?: Record<string, string>;
  Environment?: Record<string, string>;
  InputDataConfig?: Channel[];
  DebugRuleEvaluationStatuses?: RuleStatus[];
  ProfilerRuleEvaluationStatuses?: RuleStatus[];
  ProfilerConfig?: { ProfilingIntervalInMilliseconds?: number; DisableProfiler?: boolean };
  ProfilingStatus?: string;
  BillableTimeInSeconds?: number;
  TrainingTimeInSeconds?: number;
  [member: string]: unknown;
}

/** A place where a job leaves something. `objects` is null where the server cannot look. */
export interface Place {
  kind: "output" | "checkpoints" | "tensors" | "profile" | "rules" | "tensorboard" | "directory";
  uri: string;
  objects: { name: string; uri: string; size: number; modified: number }[] | null;
  more: boolean;
  problem: string;
}

const path = (name: string) => `jobs/${encodeURIComponent(name)}`;

export const describe = (name: string) => operation<Described>("sagemaker", "DescribeTrainingJob", { TrainingJobName: name });
export const artefacts = async (name: string) => (await get<{ places: Place[] }>(`${path(name)}/artefacts`)).places;
export const artefactUrl = (name: string, uri: string) => `/_/api/${path(name)}/artefacts/object?uri=${encodeURIComponent(uri)}`;

export const PLACES: Record<Place["kind"], string> = {
  output: "Model and output",
  checkpoints: "Checkpoints",
  tensors: "Tensors",
  profile: "Profile",
  rules: "Rules' reports",
  tensorboard: "TensorBoard",
  directory: "Working directory",
};

export const RULE_WORDS: Record<string, string> = {
  InProgress: "Looking",
  NoIssuesFound: "Nothing found",
  IssuesFound: "Issues found",
  Error: "Error",
  Stopping: "Stopping",
  Stopped: "Stopped",
};

/** How grave a rule's state is. */
export const ruleTone = (status: string | undefined) =>
  status === "IssuesFound" || status === "Error" ? "bad" : status === "NoIssuesFound" ? "good" : "";

/** The rules of a job, debugger's and profiler's. */
export const rulesOf = (described: Described | null): (RuleStatus & { kind: string })[] => [
  ...(described?.DebugRuleEvaluationStatuses ?? []).map((one) => ({ ...one, kind: "debugger" })),
  ...(described?.ProfilerRuleEvaluationStatuses ?? []).map((one) => ({ ...one, kind: "profiler" })),
];

/** Members of a structure as rows: what is nested has its members' names joined by dots. */
export function flat(value: unknown, name = ""): [string, string][] {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object") return [[name, String(value)]];
  const join = (part: string) => (name ? `${name}.${part}` : part);
  const parts = Array.isArray(value) ? value.map((one, index): [string, unknown] => [String(index + 1), one]) : Object.entries(value);
  return parts.flatMap(([part, one]) => flat(one, join(part)));
}

export type Section = [title: string, rows: [string, string][]];

const RESOURCES = ["AlgorithmSpecification", "ResourceConfig", "StoppingCondition", "RetryStrategy", "RoleArn", "VpcConfig", "OutputDataConfig", "CheckpointConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "ExperimentConfig", "DebugHookConfig", "TensorBoardOutputConfig", "ProfilerConfig", "RemoteDebugConfig"];
const SPOKEN_OF_ELSEWHERE = "AlgorithmSpecification.MetricDefinitions.";

/** Everything a job was given, in sections of rows. Our own record of a run knows more than the operation tells. */
export function configuration(described: Described | null, job: { config: Record<string, unknown>; summary: Record<string, unknown> }): Section[] {
  const hyperparameters = Object.keys(job.config).length ? job.config : (described?.HyperParameters ?? {});
  const shown = Object.fromEntries(RESOURCES.filter((name) => described?.[name] !== undefined).map((name) => [name, described![name]]));
  const sections: Section[] = [
    ["Hyperparameters", flat(hyperparameters)],
    ["Environment", flat(described?.Environment ?? {})],
    ["Resources and limits", flat(shown).filter(([name]) => !name.startsWith(SPOKEN_OF_ELSEWHERE))],
    ["Summary", flat(job.summary)],
  ];
  return sections.filter(([, rows]) => rows.length);
}

/** Bytes as people read them. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = size < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${Number((size / 1000 ** at).toPrecision(3))} ${units[at]}`;
}

/** Of each transition how long it lasted; the last one until `now` while it goes on. */
export function lasted<T extends { start: number; end: number | null }>(transitions: T[], now: number): (T & { seconds: number })[] {
  return transitions.map((one) => ({ ...one, seconds: Math.max(0, (one.end ?? now) - one.start) }));
}
