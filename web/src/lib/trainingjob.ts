/** What can be done to a training job. */
import { operation, send } from "./api";

export interface Tag {
  key: string;
  value: string;
}

type Named = { name: string };
type Resource = { arn: string };

const perform = (name: string, input: object) => operation("sagemaker", name, input);

export const trainingJob = {
  stop: ({ name }: Named) => perform("StopTrainingJob", { TrainingJobName: name }),
  delete: ({ name }: Named) => perform("DeleteTrainingJob", { TrainingJobName: name }),
  profile: ({ name }: Named, config: object) => perform("UpdateTrainingJob", { TrainingJobName: name, ProfilerConfig: config }),
  tag: ({ arn }: Resource, { key, value }: Tag) => perform("AddTags", { ResourceArn: arn, Tags: [{ Key: key, Value: value }] }),
  untag: ({ arn }: Resource, { key }: Pick<Tag, "key">) => perform("DeleteTags", { ResourceArn: arn, TagKeys: [key] }),
  /** Refused where the note is no longer what it was `before`. */
  note: ({ name }: Named, note: string, before: string) => send("PUT", `jobs/${encodeURIComponent(name)}/note`, { note, before }),
};
