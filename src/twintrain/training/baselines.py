"""scikit-learn models on the split of the networks: what a network has to beat. No framework, no MLflow run."""

import importlib
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from sklearn import __version__ as SKLEARN
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from twintrain.data.parts import Part
from twintrain.data.prepare.matrix import flat, matrix_encoder
from twintrain.data.prepare.scaling import scale
from twintrain.data.prepare.splitting import sample
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.settings.sections.baselines import Baseline

# scikit-learn's own tolerance of 1e-4 ends so far from the minimum that the number of threads changes the accuracy.
LOGISTIC = {"tol": 1e-6, "max_iter": 1000}
BLOCK_ROWS = 10_000
# Types of a saved model beyond numbers and plain estimators; skops loads what is named and nothing else.
TRUSTED_TYPES = [
    "scipy.sparse._csr.csr_matrix",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
]


@dataclass(frozen=True)
class Fitted:
    """A model and how it was fitted.

    Attributes:
        model: takes flat features (rows, columns).
        rows: training rows that it was fitted on.
        available: training rows that there are.
        seconds: that fitting took.
        converged: False where it ended at its largest number of iterations.
    """

    model: Pipeline | LinearRegression
    rows: int
    available: int
    seconds: float
    converged: bool

    def facts(self) -> dict[str, Any]:
        """In the words of a network's training.json."""
        return {
            "train_rows": self.rows,
            "available_rows": self.available,
            "train_seconds": round(self.seconds, 3),
            "converged": self.converged,
            "device": "cpu",
            "version": f"scikit-learn {SKLEARN}",
        }


def fit(
    name: str, settings: Baseline, schema: Schema, train: Part, target_scaler: dict[str, Any] | None = None
) -> Fitted:
    """Fits a model on training rows, or on a stratified sample of `settings.rows` of them if there are more.

    Args:
        target_scaler: of the labels, for the naive forecast; see `data.scaling`.

    Raises:
        UserError: the model cannot take such data.
    """
    if name == "naive":
        return Fitted(_last_value(schema, target_scaler), len(train), len(train), 0.0, converged=True)
    rows = _rows_to_fit(train, settings)
    if name == "knn" and settings.knn.n_neighbors > len(rows):
        raise UserError(
            f"baseline.knn.n_neighbors: expected at most the {len(rows)} training rows, got {settings.knn.n_neighbors}"
        )
    started = time.perf_counter()
    features, labels = flat(train.features[rows]), train.labels[rows]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        if name == "threshold":
            model = _threshold(features, labels)
        else:
            model = _model(name, settings, schema, len(rows)).fit(features, labels)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return Fitted(model, len(rows), len(train), time.perf_counter() - started, converged)


def predict_classes(model: Pipeline, features: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The class of each row, int64 (rows,), and float64 probabilities (rows, classes).

    A support vector machine has no probabilities, so they are None: a calibration would be another model, several times
    as slow. A class that no training row has is given 0.
    """
    if not has_probabilities(model):
        return _in_blocks(model.predict, features), None
    probability = np.zeros((len(features), classes))
    probability[:, model.classes_] = _in_blocks(model.predict_proba, features)
    return probability.argmax(axis=1), probability


def has_probabilities(model: Pipeline) -> bool:
    """Whether a classifier tells how probable each class is."""
    return hasattr(model, "predict_proba")


def predict_numbers(model: Pipeline, features: np.ndarray) -> np.ndarray:
    """The predictions of each row, float64 (rows, outputs)."""
    return _in_blocks(model.predict, features).reshape(len(features), -1).astype(np.float64)


def _in_blocks(predict: Callable[[np.ndarray], np.ndarray], features: np.ndarray) -> np.ndarray:
    """What it predicts of some rows at a time, since categories become many columns on the way."""
    starts = range(0, len(features), BLOCK_ROWS)
    return np.concatenate([predict(flat(features[start : start + BLOCK_ROWS])) for start in starts])


def save_mlflow_model(model: Pipeline, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves a fitted model as the folder of an MLflow model, in skops's format: nothing in it is pickled.

    It takes flat features.
    """
    import mlflow.sklearn

    mlflow.sklearn.save_model(model, str(path), **{**arguments, **_mlflow_arguments(model, example)})


def _mlflow_arguments(model: Pipeline, example: np.ndarray) -> dict[str, Any]:
    from mlflow.models import infer_signature

    _import_skops()
    function = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    example = flat(example)
    return {
        # What it gives is its own: probabilities, classes or numbers instead of a network's logits.
        "signature": infer_signature(example, getattr(model, function)(example)),
        "input_example": example,
        "serialization_format": "skops",
        "skops_trusted_types": TRUSTED_TYPES,
        "pyfunc_predict_fn": function,
    }


def _import_skops() -> None:
    """Keeps PyTorch out: skops lists scikit-learn's estimators by importing its packages, and one is for PyTorch."""
    if "torch" in sys.modules:
        return
    sys.modules["torch"] = None  # an ImportError to whoever asks
    try:
        importlib.import_module("skops.io")
    finally:
        del sys.modules["torch"]


def _rows_to_fit(train: Part, settings: Baseline) -> np.ndarray:
    classes = train.labels if train.labels.ndim == 1 else None
    if settings.rows is None or settings.rows >= len(train):
        return np.arange(len(train))
    if classes is not None and settings.rows < (different := np.count_nonzero(np.bincount(classes))):
        raise UserError(f"baseline.rows: expected at least one row of each of {different} classes, got {settings.rows}")
    return sample(len(train), classes, settings.rows, settings.seed)


def _model(name: str, settings: Baseline, schema: Schema, rows: int) -> Pipeline:
    if schema.task == "segmentation":
        return make_pipeline(DummyRegressor())
    if schema.task == "reconstruction":
        return make_pipeline(*_reconstructor(name, settings, min(rows, math.prod(schema.input_shape))))
    return make_pipeline(matrix_encoder(schema), (_classifier if schema.labels else _regressor)(name, settings))


def _threshold(features: np.ndarray, masks: np.ndarray) -> Pipeline:
    """Pixels above the best threshold, given on by a linear model of one coefficient each: what is logged predicts."""
    pixels = features.shape[1]
    model = LinearRegression()
    model.coef_, model.intercept_ = scipy.sparse.identity(pixels, format="csr"), np.zeros(pixels)
    model.n_features_in_ = pixels
    return make_pipeline(Binarizer(threshold=best_threshold(features, masks)).fit(features[:1]), model)


def best_threshold(pixels: np.ndarray, masks: np.ndarray) -> float:
    """The value above which pixels cover masks best: with the largest mean IoU, of 255 between 0 and 1.

    Args:
        pixels: (rows, pixels), from 0 to 1; masks: bool, of the same shape.
    """
    levels = np.rint(pixels * 255).astype(np.int64) + 256 * np.arange(len(pixels))[:, None]

    def above(counted: np.ndarray) -> np.ndarray:
        """How many pixels of each row are above each level, (rows, 256)."""
        counts = np.bincount(counted, minlength=256 * len(pixels)).reshape(-1, 256)
        return counts.sum(axis=1, keepdims=True) - counts.cumsum(axis=1)

    shared, predicted = above(levels[masks]), above(levels.ravel())
    either = predicted + masks.sum(axis=1, keepdims=True) - shared
    overlaps = np.where(either > 0, shared / np.maximum(either, 1), 1.0)
    return (int(overlaps.mean(axis=0).argmax()) + 0.5) / 255


def _classifier(name: str, settings: Baseline) -> BaseEstimator:
    match name:
        case "logistic":
            return LogisticRegression(**settings.logistic.model_dump(), **LOGISTIC)
        case "svm":
            return SVC(**settings.svm.model_dump())
        case "knn":
            return KNeighborsClassifier(**settings.knn.model_dump())
        case "tree":
            return DecisionTreeClassifier(**settings.tree.model_dump(), random_state=settings.seed)
        case "mlp":
            return MLPClassifier(**settings.mlp.model_dump(), random_state=settings.seed)
        case "majority":
            return DummyClassifier(strategy="prior")


def _regressor(name: str, settings: Baseline) -> BaseEstimator:
    match name:
        case "linear":
            found = LinearRegression()
        case "ridge":
            found = Ridge(**settings.ridge.model_dump())
        case "svm":
            found = _of_standardised_targets(MultiOutputRegressor(SVR(**settings.svm.model_dump())))
        case "knn":
            found = KNeighborsRegressor(**settings.knn.model_dump())
        case "tree":
            found = DecisionTreeRegressor(**settings.tree.model_dump(), random_state=settings.seed)
        case "mlp":
            found = _of_standardised_targets(MLPRegressor(**settings.mlp.model_dump(), random_state=settings.seed))
        case "mean":
            found = DummyRegressor()
    return found


def _of_standardised_targets(regressor: BaseEstimator) -> BaseEstimator:
    """For models whose tolerances and steps are meant for targets around 1."""
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def _reconstructor(name: str, settings: Baseline, most_components: int) -> list[BaseEstimator]:
    match name:
        case "pca":
            components = min(settings.pca.n_components, most_components)
            # The regression of a row on its principal components is what leads back from them.
            return [PCA(components, random_state=settings.seed), LinearRegression()]
        case "mean":
            return [DummyRegressor()]


def _last_value(schema: Schema, target_scaler: dict[str, Any] | None) -> LinearRegression:
    """The naive forecast, the last step's first channels, as the linear model that it is: one coefficient each.

    Raises:
        UserError: the data is no sequence of what is to be predicted.
    """
    if len(schema.input_shape) != 2 or schema.outputs > schema.input_shape[1]:
        raise UserError(
            "baseline naive repeats the last step of a sequence: expected samples (steps, channels) of "
            f"{schema.outputs} or more channels, got {tuple(schema.input_shape)}"
        )
    steps, channels = schema.input_shape
    model = LinearRegression()
    last = np.eye(schema.outputs, steps * channels, k=(steps - 1) * channels)
    # As the targets are scaled, so is what stands for them.
    model.intercept_ = scale(np.zeros(schema.outputs), target_scaler)
    model.coef_ = (scale(last.T, target_scaler) - model.intercept_).T
    model.n_features_in_ = steps * channels
    return model
