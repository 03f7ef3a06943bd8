"""Amazon SageMaker: training, tuning, processing, experiments, search and tags."""

from epochwatch.services.call import Operation
from epochwatch.services.sagemaker.experiments import (
    create_experiment,
    create_trial,
    delete_experiment,
    delete_trial,
    describe_experiment,
    describe_trial,
    list_experiments,
    list_trials,
    update_experiment,
    update_trial,
)
from epochwatch.services.sagemaker.job_list import list_processing_jobs, list_training_jobs
from epochwatch.services.sagemaker.processing_job import (
    create_processing_job,
    delete_processing_job,
    describe_processing_job,
    stop_processing_job,
)
from epochwatch.services.sagemaker.search import search
from epochwatch.services.sagemaker.tags import add_tags, delete_tags, list_tags
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import (
    create_training_job,
    delete_training_job,
    stop_training_job,
    update_training_job,
)
from epochwatch.services.sagemaker.trial_components import (
    associate_trial_component,
    create_trial_component,
    delete_trial_component,
    describe_trial_component,
    disassociate_trial_component,
    list_trial_components,
    update_trial_component,
)
from epochwatch.services.sagemaker.tuning_jobs import (
    create_hyper_parameter_tuning_job,
    delete_hyper_parameter_tuning_job,
    describe_hyper_parameter_tuning_job,
    list_hyper_parameter_tuning_jobs,
    list_training_jobs_for_hyper_parameter_tuning_job,
    stop_hyper_parameter_tuning_job,
)

OPERATIONS: dict[str, Operation] = {
    "AddTags": add_tags,
    "AssociateTrialComponent": associate_trial_component,
    "CreateExperiment": create_experiment,
    "CreateHyperParameterTuningJob": create_hyper_parameter_tuning_job,
    "CreateProcessingJob": create_processing_job,
    "CreateTrainingJob": create_training_job,
    "CreateTrial": create_trial,
    "CreateTrialComponent": create_trial_component,
    "DeleteExperiment": delete_experiment,
    "DeleteHyperParameterTuningJob": delete_hyper_parameter_tuning_job,
    "DeleteProcessingJob": delete_processing_job,
    "DeleteTags": delete_tags,
    "DeleteTrainingJob": delete_training_job,
    "DeleteTrial": delete_trial,
    "DeleteTrialComponent": delete_trial_component,
    "DescribeExperiment": describe_experiment,
    "DescribeHyperParameterTuningJob": describe_hyper_parameter_tuning_job,
    "DescribeProcessingJob": describe_processing_job,
    "DescribeTrainingJob": describe_training_job,
    "DescribeTrial": describe_trial,
    "DescribeTrialComponent": describe_trial_component,
    "DisassociateTrialComponent": disassociate_trial_component,
    "ListExperiments": list_experiments,
    "ListHyperParameterTuningJobs": list_hyper_parameter_tuning_jobs,
    "ListProcessingJobs": list_processing_jobs,
    "ListTags": list_tags,
    "ListTrainingJobs": list_training_jobs,
    "ListTrainingJobsForHyperParameterTuningJob": list_training_jobs_for_hyper_parameter_tuning_job,
    "ListTrialComponents": list_trial_components,
    "ListTrials": list_trials,
    "Search": search,
    "StopHyperParameterTuningJob": stop_hyper_parameter_tuning_job,
    "StopProcessingJob": stop_processing_job,
    "StopTrainingJob": stop_training_job,
    "UpdateExperiment": update_experiment,
    "UpdateTrainingJob": update_training_job,
    "UpdateTrial": update_trial,
    "UpdateTrialComponent": update_trial_component,
}
