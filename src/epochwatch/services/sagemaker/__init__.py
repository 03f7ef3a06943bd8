"""Amazon SageMaker: training jobs, processing jobs, and the tags of both."""

from epochwatch.services.call import Operation
from epochwatch.services.sagemaker.job_list import list_processing_jobs, list_training_jobs
from epochwatch.services.sagemaker.processing_job import (
    create_processing_job,
    delete_processing_job,
    describe_processing_job,
    stop_processing_job,
)
from epochwatch.services.sagemaker.tags import add_tags, delete_tags, list_tags
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import (
    create_training_job,
    delete_training_job,
    stop_training_job,
    update_training_job,
)

OPERATIONS: dict[str, Operation] = {
    "AddTags": add_tags,
    "CreateProcessingJob": create_processing_job,
    "CreateTrainingJob": create_training_job,
    "DeleteProcessingJob": delete_processing_job,
    "DeleteTags": delete_tags,
    "DeleteTrainingJob": delete_training_job,
    "DescribeProcessingJob": describe_processing_job,
    "DescribeTrainingJob": describe_training_job,
    "ListProcessingJobs": list_processing_jobs,
    "ListTags": list_tags,
    "ListTrainingJobs": list_training_jobs,
    "StopProcessingJob": stop_processing_job,
    "StopTrainingJob": stop_training_job,
    "UpdateTrainingJob": update_training_job,
}
