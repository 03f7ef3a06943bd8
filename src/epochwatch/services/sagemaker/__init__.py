"""Amazon SageMaker: training jobs."""

from epochwatch.services.call import Operation
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_list import list_training_jobs

OPERATIONS: dict[str, Operation] = {
    "DescribeTrainingJob": describe_training_job,
    "ListTrainingJobs": list_training_jobs,
}
