/** Shapes of the console's JSON API (see docs/console.md). Times are Unix seconds. */

export interface MetricSummary {
  name: string;
  final: number | string | null;
  final_step: number | null;
  best: number | null;
  best_step: number | null;
  direction: "min" | "max";
  min: number | null;
  max: number | null;
  first_time: number;
  last_time: number;
  points: number;
  non_finite: number;
}

export interface JobSummary {
  name: string;
  arn: string;
  status: string;
  secondary_status: string;
  created: number;
  started: number | null;
  ended: number | null;
  updated: number;
  host_count: number;
  exit_code: number | null;
  command: string[];
  tags: Record<string, string>;
  metrics: MetricSummary[];
  failure_reason: string;
  /** When the job's note was last changed, if it was. */
  noted: number | null;
}

export interface DefinitionHealth {
  name: string;
  regex: string;
  origin: string;
  matched: number;
  non_numeric: number;
  non_finite: number;
  example: string;
  engine: string;
  warning: string;
  shadowed: number;
  shadowed_example: string;
  ambiguous: { kind: string; other: string; lines: number; of: number; example: string }[];
  problems: string[];
}

/** What a rule found in the tensors of a training. */
export interface Found {
  rule: string;
  kind: "problem" | "information";
  step: number;
  began: number;
  evidence: string;
  cause: string;
  remedy: string;
  confidence: number;
  tensors: string[];
  series: Record<string, [number, number | null][]>;
}

export interface Cause extends Found {
  times: number;
  consequences: Found[];
}

export interface Diagnosis {
  steps: number;
  last_step: number | null;
  findings: Cause[];
  ended: boolean;
  failure: string;
}

export interface Transition {
  status: string;
  start: number;
  end: number | null;
  message: string;
}

export interface JobDetail extends JobSummary {
  definitions: { name: string; regex: string; origin: string }[];
  health: DefinitionHealth[];
  hosts: string[];
  config: Record<string, unknown>;
  summary: Record<string, unknown>;
  working_directory: string;
  hostname: string;
  user: string;
  log_group: string;
  log_stream: string;
  transitions: Transition[];
  created_by_api: boolean;
  tensors: string;
  diagnosis: Diagnosis | null;
  /** Markdown. */
  note: string;
}

export interface Overview {
  version: string;
  account: string;
  region: string;
  jobs: number;
  endpoint: string;
}

export type XAxis = "step" | "epoch" | "time" | "relative";

export interface Curve {
  metric: string;
  host: string;
  x: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  smooth: (number | null)[];
  total: number;
  non_finite: { x: number; value: string }[];
  non_finite_total: number;
  last_time: number | null;
  axis_known: boolean;
  ema: { mean: number; weight: number };
}

export interface Curves {
  x: XAxis;
  curves: Curve[];
}

export interface HostMetric {
  metric: string;
  x: number[];
  /** Null where nothing came for long. */
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
}

/** The server's clock against the host's; `shift` is what its times are moved by. */
export interface HostClock {
  seconds: number;
  error: number;
  shift: number;
}

/** How a host goes on: newest step, steps a second, seconds behind the middle host. */
export interface Pace {
  step: number;
  rate: number | null;
  late: number | null;
  straggler: boolean;
}

export interface Host {
  host: string;
  metrics: HostMetric[];
  clock: HostClock | null;
  pace: Pace | null;
}

export interface Hosts {
  hosts: Host[];
}

/** Percent of each core (a row) in equal spans of time (a column); null where nothing was sampled. */
export interface Cores {
  host: string;
  from: number;
  to: number;
  cores: number[];
  busy: (number | null)[][];
}

export interface LogEvent {
  time: number;
  message: string;
  stream: string;
  level: "error" | "warning" | "";
  token: string;
  /** Of a page with what is looked for marked: whether this is it. */
  hit?: boolean;
}

export interface LogPage {
  events: LogEvent[];
  forward: string | null;
  backward: string | null;
  /** The time up to which was searched so far; null: all that was to be searched was. */
  searched: number | null;
  /** Of a page around a place: the first line at or behind it. */
  at?: string | null;
}

/** One live point: metric, host, step, epoch, time, value (non-finite values as words). */
export type LivePoint = [string, string, number | null, number | null, number, number | string];
/** One live host sample: host, metric, time, value. */
export type LiveSample = [string, string, number, number];

/** Metrics to choose from, and what narrows them down with how many there are of each. */
export interface MetricsFound {
  total: number;
  namespaces: [string, number][];
  /** Names of dimensions that metrics have together, with commas. */
  dimensions: [string, number][];
  metrics: { namespace: string; name: string; dimensions: [string, string][]; time: number | null; value: number | null }[];
}
