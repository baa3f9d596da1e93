"""scikit-learn's models beside the networks, with options in scikit-learn's words."""

from typing import Annotated, Literal

from pydantic import Field

from twintrain.errors import UserError
from twintrain.settings.sections.section import BatchSize, LearningRate, Section, Seed, Steps

# Baselines that fit each task; the first is the task's own.
CLASSIFIERS = ("logistic", "svm", "knn", "tree", "mlp", "majority")
BASELINES: dict[str, tuple[str, ...]] = {
    "multiclass": CLASSIFIERS,
    "binary": CLASSIFIERS,
    "regression": ("linear", "ridge", "svm", "knn", "tree", "mlp", "mean", "naive"),
    "reconstruction": ("pca", "mean"),
    "segmentation": ("threshold", "mean"),
}


class Logistic(Section):
    """Logistic regression; C: the inverse of the strength of its L2 penalty."""

    C: float = Field(1.0, gt=0, le=1e12)


class Ridge(Section):
    """Linear regression with an L2 penalty; alpha: its strength."""

    alpha: float = Field(1.0, ge=0, le=1e12)


class Svm(Section):
    """A support vector machine; C: the inverse of the strength of its L2 penalty."""

    C: float = Field(1.0, gt=0, le=1e12)
    kernel: Literal["linear", "poly", "rbf", "sigmoid"] = "rbf"


class Knn(Section):
    """The nearest training rows."""

    n_neighbors: int = Field(5, ge=1, le=10**6)


class Tree(Section):
    """A decision tree; max_depth null: until every leaf is pure."""

    max_depth: int | None = Field(None, ge=1, le=10**6)


class Mlp(Section):
    """scikit-learn's own multi-layer perceptron, as the course has it."""

    hidden_layer_sizes: list[Annotated[int, Field(ge=1, le=100_000)]] = Field([100], min_length=1, max_length=100)
    solver: Literal["sgd", "adam", "lbfgs"] = "sgd"
    learning_rate_init: LearningRate = 1e-3
    batch_size: BatchSize = 32
    max_iter: Steps = 300


class Pca(Section):
    """The best linear autoencoder; n_components: the numbers that a row is reduced to."""

    n_components: int = Field(32, ge=1, le=10**6)


BaselineName = Literal[
    "logistic", "linear", "ridge", "svm", "knn", "tree", "mlp", "majority", "mean", "naive", "pca", "threshold"
]


class Baseline(Section):
    """scikit-learn models on the same split; options are in scikit-learn's words.

    Attributes:
        name: of THE baseline; null for the task's own, the first of BASELINES.
        others: further ones, for the table.
        rows: at most so many training rows are fitted on, drawn stratified; null: all.
    """

    name: BaselineName | None = None
    others: list[BaselineName] = Field([], max_length=100)
    rows: int | None = Field(60_000, ge=2, le=10**12)
    seed: Seed = 0
    logistic: Logistic = Logistic()
    ridge: Ridge = Ridge()
    svm: Svm = Svm()
    knn: Knn = Knn()
    tree: Tree = Tree()
    mlp: Mlp = Mlp()
    pca: Pca = Pca()

    def names_for(self, task: str) -> list[str]:
        """THE baseline, then the others.

        Raises:
            UserError: one that is not for this task.
        """
        names = list(dict.fromkeys([self.name or BASELINES[task][0], *self.others]))
        for name in names:
            if name not in BASELINES[task]:
                known = ", ".join(BASELINES[task])
                raise UserError(f"baseline: '{name}' is not for a {task} task; expected one of {known}")
        return names
