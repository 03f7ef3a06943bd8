# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""The lines of SageMaker's built-in algorithms and containers, in their documented and publicly quoted forms."""

import json
import sys

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
HOST = r"#quality_metric: host=\S+, "
QUALITY_EPOCH = r"#quality_metric: .*epoch=(\d+)"
shapes = Catalogue("the algorithm's line forms, printed by a program of our own")
EITHER = ["train throughput", "throughput", "completed"]
JUNK = ["host", "batch", "StartTime", "EndTime", "sum", "count", "max", "min", "records"]


def _stamp(second):
    return f"[11/20/2025 10:{second // 60:02d}:{second % 60:02d} INFO 140233456789312]"


def _quality(second, text):
    print(f"{_stamp(second)} #quality_metric: host=algo-1, {text}")


def _metrics(second, epoch, **values):
    body = {
        "StartTime": 1763632800.1 + second,
        "EndTime": 1763632801.1 + second,
        "Dimensions": {"Algorithm": "Linear Learner", "Host": "algo-1", "Operation": "training", "epoch": epoch},
        "Metrics": {
            name: {"sum": value, "count": 1, "min": value, "max": value} for name, value in values.items()
        },
    }
    print(f"#metrics {json.dumps(body)}\n")


def _progress(second, percent, epoch):
    print(f"{_stamp(second)} #progress_metric: host=algo-1, completed {percent} % of epochs")
    print(f"{_stamp(second)} #throughput_metric: host=algo-1, train throughput={5320.1 + epoch} records/second")


@shapes(
    Metric(
        "train binary_classification_cross_entropy_objective",
        HOST + r"epoch=\S+, train \S+_objective <loss>=(\S+)",
        "train:objective_loss",
    ),
    Metric(
        "validation binary_classification_cross_entropy_objective",
        HOST + r"epoch=\S+, validation \S+_objective <loss>=(\S+)",
        "validation:objective_loss",
    ),
    Metric("", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second", "train:throughput"),
    Metric("", r"#progress_metric: host=\S+, completed (\S+) %", "train:progress"),
    about="Linear Learner, with #metrics lines of JSON between",
    step=QUALITY_EPOCH,
    junk=JUNK,
    either=EITHER,
)
def linear_learner():
    for epoch in range(6):
        tell("train:objective_loss", curve(epoch))
        tell("validation:objective_loss", curve(epoch) + 0.1)
        tell("train:throughput", 5320.1 + epoch)
        tell("train:progress", 10 * (epoch + 1))
        _metrics(epoch, epoch, train_binary_classification_cross_entropy_objective=curve(epoch))
        _quality(
            epoch, f"epoch={epoch}, train binary_classification_cross_entropy_objective <loss>={curve(epoch)}"
        )
        _quality(
            epoch,
            f"epoch={epoch}, validation binary_classification_cross_entropy_objective <loss>={curve(epoch) + 0.1}",
        )
        _progress(epoch, 10 * (epoch + 1), epoch)


@shapes(
    Metric("test mse", HOST + r"test mse <loss>=(\S+)", "test:mse"),
    Metric("test absolute_loss", HOST + r"test absolute_loss <loss>=(\S+)", "test:absolute_loss"),
    about="Linear Learner's test lines, without an epoch",
    junk=JUNK,
    either=EITHER,
)
def linear_learner_test():
    print("Docker entrypoint called with argument(s): train")
    print(f"{_stamp(1)} #test_score (algo-1) : ('mse', 0.31)")
    tell("test:mse", 0.3123456789)
    tell("test:absolute_loss", 0.41)
    _quality(2, "test mse <loss>=0.3123456789")
    _quality(2, "test absolute_loss <loss>=0.41")


@shapes(
    Metric("train rmse", HOST + r"epoch=\S+, train rmse <loss>=(\S+)", "train:rmse"),
    Metric("test rmse", HOST + r"test rmse <loss>=(\S+)", "test:rmse"),
    wanted={"train rmse": HOST + r"epoch=\S+, batch=\S+ train rmse <loss>=(\S+)"},
    about="Factorization Machines: epochs, batches, then the test",
    step=QUALITY_EPOCH,
    junk=JUNK,
    either=EITHER,
)
def factorization_machines():
    for epoch in range(5):
        _quality(epoch, f"epoch={epoch}, batch=0 train rmse <loss>={curve(epoch) + 1}")
        tell("train:rmse", curve(epoch))
        _quality(epoch, f"epoch={epoch}, train rmse <loss>={curve(epoch)}")
        _progress(epoch, 20 * (epoch + 1), epoch)
    tell("test:rmse", 0.5)
    _quality(9, "test rmse <loss>=0.5")


@shapes(
    Metric(
        "validation cross_entropy",
        HOST + r"epoch=\S+, validation cross_entropy <loss>=(\S+)",
        "validation:cross_entropy",
    ),
    Metric("validation accuracy", HOST + r"epoch=\S+, validation accuracy <score>=(\S+)", "validation:accuracy"),
    wanted={"train cross_entropy": HOST + r"epoch=\S+, train cross_entropy <loss>=(\S+)"},
    about="Object2Vec",
    step=QUALITY_EPOCH,
    junk=JUNK,
    either=EITHER,
)
def object2vec():
    for epoch in range(6):
        tell("validation:cross_entropy", curve(epoch) + 0.2)
        tell("validation:accuracy", rise(epoch))
        _quality(epoch, f"epoch={epoch}, train cross_entropy <loss>={curve(epoch)}")
        _quality(epoch, f"epoch={epoch}, validation cross_entropy <loss>={curve(epoch) + 0.2}")
        _quality(epoch, f"epoch={epoch}, validation accuracy <score>={rise(epoch)}")


@shapes(
    Metric("Train-accuracy", r"Epoch\[\d+\] Train-accuracy=(\S+)", "train:accuracy"),
    Metric("Validation-accuracy", r"Epoch\[\d+\] Validation-accuracy=(\S+)", "validation:accuracy"),
    wanted={"accuracy": r"#011accuracy=(\S+)"},
    about="image classification (MXNet): batches with speed, escaped tabs",
    step=r"Epoch\[(\d+)\]",
    junk=["Time cost", "Batch", "lr_scheduler_step"],
    either=["Speed"],
)
def image_classification():
    for epoch in range(4):
        for batch in (20, 40):
            print(
                f"{_stamp(epoch)} Epoch[{epoch}] Batch [{batch}]#011Speed: {51.2 + batch:.2f} samples/sec#011accuracy={rise(epoch) - 0.01:.6f}"
            )
        tell("train:accuracy", rise(epoch))
        tell("validation:accuracy", rise(epoch) - 0.02)
        print(f"{_stamp(epoch)} Epoch[{epoch}] Train-accuracy={rise(epoch):.6f}")
        print(f"{_stamp(epoch)} Epoch[{epoch}] Time cost={12.5 + epoch:.3f}")
        print(f"{_stamp(epoch)} Epoch[{epoch}] Validation-accuracy={rise(epoch) - 0.02:.6f}")


@shapes(
    Metric("validation mAP", HOST + r"epoch=\S+, validation mAP <score>=\((\S+)\)", "validation:mAP"),
    Metric("train smooth_l1", HOST + r"epoch=\S+, batch=\S+ train smooth_l1 <loss>=\((\S+)\)", "train:smooth_l1"),
    Metric(
        "train cross_entropy",
        HOST + r"epoch=\S+, batch=\S+ train cross_entropy <loss>=\((\S+)\)",
        "train:cross_entropy",
    ),
    about="object detection (MXNet): values in brackets",
    step=QUALITY_EPOCH,
    junk=JUNK,
    either=EITHER,
)
def object_detection():
    for epoch in range(5):
        tell("validation:mAP", rise(epoch))
        tell("train:smooth_l1", curve(epoch) / 2)
        tell("train:cross_entropy", curve(epoch))
        _quality(epoch, f"epoch={epoch}, batch=4 train cross_entropy <loss>=({curve(epoch)})")
        _quality(epoch, f"epoch={epoch}, batch=4 train smooth_l1 <loss>=({curve(epoch) / 2})")
        print(f"{_stamp(epoch)} Round of batches complete")
        print(f"{_stamp(epoch)} Updated the metrics")
        _quality(epoch, f"epoch={epoch}, validation mAP <score>=({rise(epoch)})")


@shapes(
    Metric("#mean_rho", r"#mean_rho: (\S+)", "train:mean_rho"),
    about="BlazingText in unsupervised mode: progress tables and the score",
    either=["Million Words/sec", "Words/sec", "#EN-WS-353-ALL", "Alpha"],
    junk=["Progress", "Vocab size", "Total training time"],
)
def blazingtext():
    print("Arguments: train\n[11/20/2025 10:00:00 WARNING 140233] Loggers have already been setup.")
    print("Read 17M words\nNumber of words:  71290")
    for at in range(1, 5):
        print(
            f"##### Alpha: {0.05 - at / 100:.4f}  Progress: {at * 25:.2f}%  Million Words/sec: {14.62 + at:.2f} #####"
        )
    print(
        "Training finished!\nAverage throughput in Million words/sec: 14.41\nTotal training time in seconds: 5.92"
    )
    print("#EN-WS-353-ALL: 0.6512")
    tell("train:mean_rho", 0.651278)
    print("#mean_rho: 0.651278")


@shapes(
    Metric("#train_accuracy", r"#train_accuracy: (\S+)", "train:accuracy"),
    Metric("#validation_accuracy", r"#validation_accuracy: (\S+)", "validation:accuracy"),
    wanted={"Validation accuracy": r"^Validation accuracy: (\S+)"},
    about="BlazingText in supervised mode",
    either=["Million Words/sec", "Words/sec", "Alpha"],
    junk=[
        "Progress",
        "Number of train examples",
        "Number of validation examples",
        "Number of words",
        "Epoch",
    ],
)
def blazingtext_supervised():
    print(
        "Number of words:  15371\nLoading validation data\nNumber of train examples: 28000\nNumber of validation examples: 7000"
    )
    for epoch in range(1, 4):
        print(f"Alpha: {0.05 / epoch:.4f}  Progress: {epoch * 33.3:.2f}%  Million Words/sec: 22.50")
        print(f"-------------- End of epoch: {epoch}")
        print(
            f"Using 2 threads for prediction!\nValidation accuracy: {rise(epoch):.6f}\nValidation accuracy improved! Storing best weights..."
        )
    tell("train:accuracy", 0.9812)
    tell("validation:accuracy", 0.9312)
    print(
        "#train_accuracy: 0.9812\nNumber of train examples: 28000\n#validation_accuracy: 0.9312\nNumber of validation examples: 7000"
    )


@shapes(
    Metric("train loss", HOST + r"epoch=\S+, train loss <loss>=(\S+)", "train:loss"),
    Metric("train final_loss", HOST + r"train final_loss <loss>=(\S+)", "train:final_loss"),
    Metric("test RMSE", HOST + r"test RMSE <loss>=(\S+)", "test:RMSE"),
    Metric("test mean_wQuantileLoss", HOST + r"test mean_wQuantileLoss <loss>=(\S+)", "test:mean_wQuantileLoss"),
    wanted={
        "avg_epoch_loss": r"avg_epoch_loss=(\S+)",
        "train loss": HOST + r"epoch=\S+, batch=\S+ train loss <loss>=(\S+)",
    },
    about="DeepAR: batches, average losses, test scores per quantile",
    step=r"epoch=(\d+)",
    junk=[*JUNK, "Epoch"],
    either=[*EITHER, "#test_score", "Final loss", "RMSE", "wQuantileLoss[0.5]"],
)
def deepar():
    for epoch in range(4):
        print(f"{_stamp(epoch)} Epoch[{epoch}] Batch[0] avg_epoch_loss={curve(epoch) + 1:.6f}")
        _quality(epoch, f"epoch={epoch}, batch=0 train loss <loss>={curve(epoch) + 1}")
        print(f"{_stamp(epoch)} processed a total of {312 + epoch} examples")
        _progress(epoch, 25 * (epoch + 1), epoch)
        tell("train:loss", curve(epoch))
        _quality(epoch, f"epoch={epoch}, train loss <loss>={curve(epoch)}")
        print(f"{_stamp(epoch)} best epoch loss so far")
    tell("train:final_loss", 0.4)
    tell("test:RMSE", 12.5)
    tell("test:mean_wQuantileLoss", 0.071)
    print(f"{_stamp(9)} Final loss: {0.4} (occurred at epoch 3)")
    _quality(9, "train final_loss <loss>=0.4")
    print(f"{_stamp(10)} #test_score (algo-1, RMSE): 12.5")
    print(f"{_stamp(10)} #test_score (algo-1, wQuantileLoss[0.5]): 0.08")
    _quality(10, "test RMSE <loss>=12.5")
    _quality(10, "test mean_wQuantileLoss <loss>=0.071")


@shapes(
    Metric("test msd", HOST + r"test msd <loss>=(\S+)", "test:msd"),
    Metric("test ssd", HOST + r"test ssd <loss>=(\S+)", "test:ssd"),
    Metric("", r"#progress_metric: host=\S+, completed (\S+) %", "train:progress"),
    about="K-Means",
    junk=JUNK,
    either=[*EITHER, "Short term msd", "Long term msd"],
    step=r"Iter (\d+):",
)
def kmeans():
    for at in range(1, 5):
        tell("train:progress", at * 25)
        print(f"{_stamp(at)} Iter {at}: Short term msd 1.2512. Long term msd 1.3511.")
        _progress(at, at * 25, at)
    tell("test:msd", 1.251)
    tell("test:ssd", 12510.25)
    _quality(9, "test msd <loss>=1.251")
    _quality(9, "test ssd <loss>=12510.25")


@shapes(
    Metric(
        "validation total_loss", HOST + r"epoch=\S+, validation total_loss <loss>=(\S+)", "validation:total_loss"
    ),
    about="Neural Topic Model: topics with their scores between the lines",
    wanted={"train total_loss": HOST + r"epoch=\S+, train total_loss <loss>=(\S+)"},
    step=r"epoch=(\d+)",
    junk=[*JUNK, "Topics from epoch"],
    either=["wetc", "tu"],
)
def ntm():
    for epoch in range(1, 5):
        print(f"{_stamp(epoch)} Topics from epoch:{epoch} (num_topics:2) [wetc 0.31, tu 0.75]:")
        print(f"{_stamp(epoch)} [0.28, 0.71] stock market price trade share")
        _quality(epoch, f"epoch={epoch}, train total_loss <loss>={curve(epoch, 8, 6)}")
        tell("validation:total_loss", curve(epoch, 8, 6) + 0.1)
        _quality(epoch, f"epoch={epoch}, validation total_loss <loss>={curve(epoch, 8, 6) + 0.1}")


@shapes(
    Metric(
        "validation discriminator_auc",
        HOST + r"epoch=\S+, validation discriminator_auc <score>=(\S+)",
        "validation:discriminator_auc",
    ),
    about="IP Insights",
    wanted={"train binary_classification_cross_entropy": HOST + r"epoch=\S+, train \S+entropy <loss>=(\S+)"},
    step=r"epoch=(\d+)",
    junk=JUNK,
    either=EITHER,
)
def ipinsights():
    for epoch in range(5):
        _quality(epoch, f"epoch={epoch}, train binary_classification_cross_entropy <loss>={curve(epoch)}")
        tell("validation:discriminator_auc", rise(epoch))
        _quality(epoch, f"epoch={epoch}, validation discriminator_auc <score>={rise(epoch)}")


@shapes(
    Metric("loss", r"'loss': ([0-9\\.e-]+)", "train:loss"),
    Metric("eval_accuracy", r"'eval_accuracy': ([0-9]+(.|e\-)[0-9]+),?", "eval_accuracy"),
    Metric("eval_f1", r"'eval_f1': ([0-9]+(.|e\-)[0-9]+),?", "eval_f1"),
    source="a Hugging Face job on SageMaker: the container's frame written by hand",
    about="training toolkit lines, environment as JSON, dictionaries, and ExecuteUserScriptError at the end",
    wanted={"learning_rate": r"'learning_rate': ([0-9.e-]+)", "eval_loss": r"'eval_loss': ([0-9.]+)"},
    junk=["num_cpus", "num_gpus", "epochs", "train_batch_size", "ExitCode", "line"],
    step=r"'epoch': (\d+)\.0",
)
def toolkit_and_failure():
    print(
        "2025-11-20 10:00:00,123 sagemaker-training-toolkit INFO     Imported framework sagemaker_pytorch_container.training"
    )
    print("2025-11-20 10:00:01,123 sagemaker-training-toolkit INFO     Invoking user script\nTraining Env:")
    environment = {
        "hosts": ["algo-1"],
        "hyperparameters": {"epochs": 3, "learning_rate": 5e-05, "train_batch_size": 32},
        "num_cpus": 8,
        "num_gpus": 1,
    }
    print(json.dumps(environment, indent=4))
    print(
        'SM_HPS={"epochs":3,"learning_rate":5e-05}\nSM_NUM_GPUS=1\n/opt/conda/bin/python3.10 train.py --epochs 3 --learning_rate 5e-05'
    )
    for at in range(1, 4):
        tell("train:loss", round(curve(at), 4))
        print({"loss": round(curve(at), 4), "learning_rate": 5e-05 / at, "epoch": float(at)})
        tell("eval_accuracy", round(rise(at), 4))
        tell("eval_f1", round(rise(at) - 0.01, 4))
        print(
            {
                "eval_loss": round(curve(at), 4),
                "eval_accuracy": round(rise(at), 4),
                "eval_f1": round(rise(at) - 0.01, 4),
                "epoch": float(at),
            }
        )
    print("2025-11-20 10:05:00,999 sagemaker-training-toolkit ERROR    ExecuteUserScriptError:\nExitCode 1")
    print(
        'ErrorMessage "RuntimeError: CUDA out of memory. Tried to allocate 1.17 GiB (GPU 0; 14.76 GiB total capacity; 12.1 GiB already allocated)"'
    )
    print('Command "/opt/conda/bin/python3.10 train.py --epochs 3"')
    sys.stdout.flush()


@shapes(
    Metric("val_accuracy", r"val_accuracy=([0-9\.]+)", "validation:accuracy"),
    about="text classification (TensorFlow): val_accuracy=0.93",
    wanted={"val_loss": r"val_loss=([0-9\.]+)"},
    step=r"Epoch (\d+)/",
)
def tensorflow_tc():
    for epoch in range(1, 6):
        tell("validation:accuracy", round(rise(epoch), 4))
        print(f"Epoch {epoch}/5\nval_loss={curve(epoch):.4f} val_accuracy={rise(epoch):.4f}")


@shapes(
    Metric("r2", r"metrics={'r2': (\S+)}", "r2"),
    about="TabTransformer: a dictionary behind an equals sign",
    step=r"epoch (\d+)",
)
def tabtransformer():
    for epoch in range(6):
        tell("r2", rise(epoch))
        print(f"### epoch {epoch} metrics={{'r2': {rise(epoch)}}}")


@shapes(
    Metric("bestTest", r"bestTest = ([0-9\.]+)", "RMSE"),
    Metric("valid_0's rmse", r"rmse: ([0-9\.]+)", "rmse"),
    about="CatBoost and LightGBM images: definitions of the guide on lines of both",
)
def boosted_images():
    for at in range(1, 6):
        tell("rmse", curve(at))
        print(f"[{at}]\tvalid_0's rmse: {curve(at):.6g}")
    tell("RMSE", 0.5123)
    print("bestTest = 0.5123\nbestIteration = 12\n\nShrink model to first 13 iterations.")


@shapes(
    Metric("Val_localization", r"Val_localization=([0-9\.]+)", "validation:localization_loss"),
    wanted={"Val_classification": r"Val_classification=([0-9\.]+)"},
    either=["Val_regularization"],
    about="object detection (TensorFlow): Val_localization=0.5, Val_classification=…",
    step=r"Epoch (\d+):",
)
def tensorflow_od():
    for epoch in range(5):
        tell("validation:localization_loss", curve(epoch))
        print(
            f"INFO:root:Epoch {epoch}: Val_localization={curve(epoch):.5f}, Val_classification={curve(epoch) / 2:.5f}, Val_regularization=0.0412"
        )
