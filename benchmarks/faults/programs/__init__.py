"""The programs by name, as the catalogue has them. They need PyTorch and scikit-learn."""

from collections.abc import Mapping

from benchmarks.faults.programs import digits, others
from benchmarks.faults.programs.base import Program

PROGRAMS: Mapping[str, type[Program]] = {
    "mlp_digits": digits.MlpDigits,
    "tanh_regression": others.TanhRegression,
    "norm_cnn_digits": digits.NormCnnDigits,
    "markov_transformer": others.MarkovTransformer,
    "digits_autoencoder": digits.DigitsAutoencoder,
    "wave_gru": others.WaveGru,
    "residual_cnn_digits": digits.ResidualCnnDigits,
    "patch_transformer": digits.PatchTransformer,
    "graph_network": others.GraphNetwork,
    "recommender": others.Recommender,
    "contrastive_digits": digits.ContrastiveDigits,
    "noise_predictor": digits.NoisePredictor,
    "tabular_sgd": others.TabularSgd,
}
