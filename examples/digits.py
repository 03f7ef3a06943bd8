"""Train a small network on scikit-learn's handwritten digits until it overfits.

A fifth of the images to train on, and a fifth of their labels wrong: the network learns the noise by heart, so that
the loss on the validation images falls first and rises later. One line per epoch; some twenty seconds on two cores.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # matrices this small are slower on more threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

EPOCHS = 120
TRAINING_IMAGES = 360
WRONG_LABELS = 0.2
SECONDS_PER_EPOCH = 0.15
CLASSES = np.arange(10)


def main() -> None:
    chance = np.random.default_rng(0)
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    train_x, validation_x, train_y, validation_y = train_test_split(
        images, labels, train_size=TRAINING_IMAGES, random_state=0, stratify=labels
    )
    wrong = chance.random(len(train_y)) < WRONG_LABELS
    train_y = np.where(wrong, chance.integers(0, 10, len(train_y)), train_y)
    network = MLPClassifier((256, 128), learning_rate_init=2e-3, batch_size=32, random_state=0)
    print(f"training on {len(train_y)} images, validating on {len(validation_y)}", flush=True)
    for epoch in range(EPOCHS):
        begin = time.monotonic()
        network.partial_fit(train_x, train_y, classes=CLASSES)
        train, validation = network.predict_proba(train_x), network.predict_proba(validation_x)
        print(
            f"epoch={epoch} "
            f"train_accuracy={accuracy_score(train_y, train.argmax(axis=1)):.4f} "
            f"train_loss={log_loss(train_y, train, labels=CLASSES):.5f} "
            f"validation_accuracy={accuracy_score(validation_y, validation.argmax(axis=1)):.4f} "
            f"validation_loss={log_loss(validation_y, validation, labels=CLASSES):.5f}",
            flush=True,
        )
        # At the pace of a larger model, so that there is something to watch.
        time.sleep(max(0.0, begin + SECONDS_PER_EPOCH - time.monotonic()))


if __name__ == "__main__":
    main()
