/** Tuning jobs: where their pages are, and what AWS's operations and our own endpoint tell of them. */
import { get, operation } from "../lib/api";
import { BASE } from "../lib/router.svelte";
import type { TuningDetail } from "./trainings";

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
