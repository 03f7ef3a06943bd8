# ruff: noqa: E501 - log lines are as long as they are
"""What the presets find in lines as their frameworks and algorithms print them."""

import pytest

from epochwatch.extraction.algorithms import ALGORITHMS, algorithm, preset_of_image
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.presets import describe, preset

QUALITY = "[11/20/2025 10:00:00 INFO 140233] #quality_metric: host=algo-1,"
PROGRESS = "[11/20/2025 10:00:01 INFO 140233] #progress_metric: host=algo-1, completed 10 % epochs"
THROUGHPUT = (
    "[11/20/2025 10:00:02 INFO 140233] #throughput_metric: host=algo-1, train throughput=5320.1 records/second"
)


def found(name: str, *lines: str) -> dict[str, float]:
    extractor = Extractor(preset(name), automatic=False)
    extracted = extractor.feed("".join(line + "\n" for line in lines).encode(), 0)
    return {
        extracted.names[number]: value for number, value in zip(extracted.name_ids, extracted.values, strict=True)
    }


BUILT_IN: dict[str, tuple[str, dict[str, float]]] = {
    "xgboost": (
        "[2025-11-20:10:00:00:INFO] [12]#011train-rmse:0.52104#011validation-rmse:1.5e-05",
        {"train:rmse": 0.52104, "validation:rmse": 1.5e-05},
    ),
    "linear-learner": (
        f"{QUALITY} epoch=3, train binary_classification_cross_entropy_objective <loss>=0.411",
        {"train:objective_loss": 0.411},
    ),
    "factorization-machines": (f"{QUALITY} test rmse <loss>=1.25", {"test:rmse": 1.25}),
    "object2vec": (f"{QUALITY} validation mean_squared_error <loss>=0.9", {"validation:mean_squared_error": 0.9}),
    "ipinsights": (
        f"{QUALITY} epoch=4, validation discriminator_auc <score>=0.983",
        {"validation:discriminator_auc": 0.983},
    ),
    "kmeans": (f"{QUALITY} test msd <loss>=1.0625", {"test:msd": 1.0625}),
    "knn": (f"{QUALITY} test accuracy <score>=0.925", {"test:accuracy": 0.925}),
    "lda": (f"{QUALITY} test pwll <score>=-7.5", {"test:pwll": -7.5}),
    "ntm": (f"{QUALITY} epoch=7, validation total_loss <loss>=8.25", {"validation:total_loss": 8.25}),
    "forecasting-deepar": (f"{QUALITY} epoch=0, train loss <loss>=3.5", {"train:loss": 3.5}),
    "pca": (PROGRESS, {"train:progress": 10.0}),
    "randomcutforest": (f"{QUALITY} test f1 <score>=0.75", {"test:f1": 0.75}),
    "blazingtext": ("#mean_rho: 0.4931", {"train:mean_rho": 0.4931}),
    "image-classification": (
        "[11/20/2025 10:00:00 INFO 139] Epoch[3] Validation-accuracy=0.8125",
        {"validation:accuracy": 0.8125},
    ),
    "object-detection": (f"{QUALITY} epoch=9, validation mAP <score>=(0.4375)", {"validation:mAP": 0.4375}),
    "semantic-segmentation": (f"{QUALITY} epoch=2, validation mIOU <score>=0.5", {"validation:mIOU": 0.5}),
    "seq2seq": (
        "[11/20/2025 10:00:00 INFO 140] Checkpoint [2]\tValidation-perplexity=21.5",
        {"validation:perplexity": 21.5},
    ),
    "tensorflow-ic": ("INFO:root:val_accuracy=0.91", {"validation:accuracy": 0.91}),
    "tensorflow-od": ("Val_localization=0.0625", {"validation:localization_loss": 0.0625}),
    "tensorflow-tc": ("INFO:root:val_accuracy=0.9", {"validation:accuracy": 0.9}),
    "catboost": (
        "bestTest = 0.25",
        # The guide has one expression for every measure: which it is, the job's eval_metric says.
        dict.fromkeys(
            [
                "RMSE",
                "MAE",
                "MedianAbsoluteError",
                "R2",
                "Logloss",
                "Precision",
                "Recall",
                "F1",
                "AUC",
                "MultiClass",
                "Accuracy",
                "BalancedAccuracy",
            ],
            0.25,
        ),
    ),
    "lightgbm": ("[1]#011training's rmse: 0.5#011valid_1's rmse: 0.75", {"rmse": 0.5}),
    "tabtransformer": ("metrics={'f1': 0.875}", {"f1_score": 0.875}),
    "autogluon-tabular": ("accuracy: 0.9", {}),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_built_in_algorithm_s_line_gives_its_metric(name: str) -> None:
    line, values = BUILT_IN[name]
    assert found(name, line) == values


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ALGORITHMS
        if ("train:progress", r"#progress_metric: host=\S+, completed (\S+) %") in algorithm(name)
    ],
)
def test_progress_and_throughput_are_metrics_of_the_algorithms_that_report_them(name: str) -> None:
    values = found(name, PROGRESS, THROUGHPUT)
    assert values == {"train:progress": 10.0, "train:throughput": 5320.1}


def test_there_are_24_built_in_algorithms_with_names_as_sagemaker_s_limits_have_them() -> None:
    assert len(set(ALGORITHMS)) == 24
    for name in ALGORITHMS:
        assert name in describe(name)
        for metric, regex in algorithm(name):
            assert 1 <= len(metric) <= 255
            assert 1 <= len(regex) <= 500


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1", "image-classification"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "xgboost"),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest", "xgboost"),
        ("387376663083.dkr.ecr.cn-north-1.amazonaws.com.cn/blazingtext:1", "blazingtext"),
        ("522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1", "forecasting-deepar"),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner@sha256:" + "0a" * 32, "linear-learner"),
        ("811284229777.dkr.ecr-fips.us-gov-west-1.amazonaws.com/kmeans:1", "kmeans"),
        ("registry.local:5000/kmeans:1", None),
        ("somebody/xgboost:1", None),
        ("object2vec", "object2vec"),
        ("object2vec:1", "object2vec"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/my-xgboost:1", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost/train:1", None),
        ("keras", None),
        ("", None),
        ("xgboost:", None),
        ("/", None),
    ],
)
def test_the_image_s_name_tells_the_algorithm(image: str, name: str | None) -> None:
    assert preset_of_image(image) == name


FRAMEWORKS: list[tuple[str, tuple[str, ...], dict[str, float]]] = [
    (
        "xgboost-python",
        ("[3]\ttraining-rmse:nan\teval-rmse:0.5\ttest-auc:0.75",),
        {"validation:rmse": 0.5, "test:auc": 0.75},
    ),
    (
        "lightgbm-python",
        ("[12]\ttraining's auc: 0.9\tvalid_0's auc: 0.8\tvalid_0's ndcg@5: 0.7",),
        {"train:auc": 0.9, "validation:auc": 0.8, "validation:ndcg": 0.7},
    ),
    (
        "catboost-python",
        ("12:\tlearn: 0.5\ttest: 0.6\tbest: 0.55 (7)\ttotal: 52.1ms\tremaining: 5.16s",),
        {"train:loss": 0.5, "validation:loss": 0.6, "validation:best": 0.55},
    ),
    (
        "fairseq",
        (
            "2025-11-20 10:00:00 | INFO | train_inner | epoch 001:     10 / 99 loss=13.1, nll_loss=12.9, ppl=7654.3, wps=120, ups=1.5, lr=1e-07, gnorm=4.5, clip=100",
            "2025-11-20 10:00:09 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 9.5 | nll_loss 9 | ppl 512 | wps 100 | num_updates 99 | best_loss 9.5",
        ),
        {
            "train:loss": 13.1, "train:nll_loss": 12.9, "train:ppl": 7654.3, "train:wps": 120, "train:ups": 1.5,
            "train:gnorm": 4.5, "train:lr": 1e-07, "validation:loss": 9.5, "validation:nll_loss": 9,
            "validation:ppl": 512, "validation:wps": 100,
        },
    ),
    (
        "mmengine",
        (
            "2025/11/20 10:00:00 - mmengine - INFO - Epoch(train)  [1][ 50/100]  lr: 1.0000e-02  eta: 0:01:00  time: 0.1  data_time: 0.01  memory: 100  grad_norm: 3.25  loss: 1.5",
            "2025/11/20 10:00:09 - mmengine - INFO - Epoch(val) [1][10/10]    accuracy/top1: 75.5000  data_time: 0.01  time: 0.02",
        ),
        {"train:lr": 0.01, "train:grad_norm": 3.25, "train:loss": 1.5, "validation:accuracy/top1": 75.5},
    ),
    (
        "detectron2",
        ("[11/20 10:00:00 d2.utils.events]:  eta: 0:01:00  iter: 19  total_loss: 1.25  loss_cls: 0.5  time: 0.1  lr: 0.0002  max_mem: 1M",),
        {"train:total_loss": 1.25, "train:loss_cls": 0.5, "train:lr": 0.0002},
    ),
    (
        "ultralytics",
        (
            "        1/3         0G      1.234      3.456      1.265         16        640: 100%|██████████| 8/8 [00:03<00:00,  2.1it/s]",
            "                   all        128        929       0.64      0.537      0.605      0.446",
        ),
        {
            "train:box_loss": 1.234, "train:cls_loss": 3.456, "train:dfl_loss": 1.265, "validation:precision": 0.64,
            "validation:recall": 0.537, "validation:mAP50": 0.605, "validation:mAP50-95": 0.446,
        },
    ),
    (
        "megatron",
        (
            " iteration       10/     100 | consumed samples:           80 | elapsed time per iteration (ms): 100.5 | learning rate: 1.000E-04 | global batch size:     8 | lm loss: 1.250000E+00 | loss scale: 1.0 | grad norm: 0.500 | number of skipped iterations:   0 |",
            " validation loss at iteration 100 | lm loss value: 1.500000E+00 | lm loss PPL: 4.481689E+00 | ",
        ),
        {
            "train:learning_rate": 1e-4, "train:lm_loss": 1.25, "train:loss_scale": 1.0, "train:grad_norm": 0.5,
            "validation:lm_loss": 1.5, "validation:ppl": 4.481689,
        },
    ),
    (
        "timm",
        (
            "Train: 0 [  50/1251 (  4%)]  Loss: 6.94 (6.95)  Time: 0.5s, 512.00/s  (0.6s, 500.00/s)  LR: 1.000e-06  Data: 0.1 (0.2)",
            "Test: [  10/97]  Time: 0.1 (0.2)  Loss:  1.75 ( 1.80)  Acc@1:  61.250 ( 60.875)  Acc@5:  83.5 ( 84.25)",
        ),
        {
            "train:loss": 6.94, "train:lr": 1e-6, "validation:loss": 1.8, "validation:acc@1": 60.875,
            "validation:acc@5": 84.25,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "values"), FRAMEWORKS, ids=[case[0] for case in FRAMEWORKS])
def test_a_framework_s_lines_give_its_metrics(name: str, lines: tuple[str, ...], values: dict[str, float]) -> None:
    seen = found(name, *lines)
    assert {metric: value for metric, value in seen.items() if value == value} == values
