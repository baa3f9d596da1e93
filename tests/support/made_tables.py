"""Ten tables that people may have: those that scikit-learn brings, and some that are made."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets


class MadeTable(NamedTuple):
    """A table and what is predicted from it."""

    make: Callable[[], pd.DataFrame]
    task: str = "classes"
    target: str = "target"

    def rows(self) -> pd.DataFrame:
        return self.make()


def _brought(load: Callable[..., datasets._base.Bunch]) -> pd.DataFrame:
    """A table of scikit-learn's; classes get names, as they have in files."""
    found = load(as_frame=True)
    names = found.get("target_names")
    return found.frame if names is None else found.frame.assign(target=[f"class {names[k]}" for k in found.target])


def _made(features: np.ndarray, target: np.ndarray) -> pd.DataFrame:
    columns = {f"x{place}": column.round(4) for place, column in enumerate(features.T)}
    return pd.DataFrame({**columns, "target": target if target.dtype.kind == "f" else np.where(target, "yes", "no")})


def sixty_rows() -> pd.DataFrame:
    return _made(*datasets.make_regression(60, 8, n_informative=5, noise=40.0, random_state=0))


def friedman() -> pd.DataFrame:
    return _made(*datasets.make_friedman1(1000, noise=1.0, random_state=0))


def clusters() -> pd.DataFrame:
    return _made(
        *datasets.make_classification(
            20_000, 20, n_informative=10, n_redundant=4, n_clusters_per_class=2, flip_y=0.05, random_state=0
        )
    )


def houses() -> pd.DataFrame:
    """2,000 sales: skewed prices, some far off, categories, missing values."""
    rng, n = np.random.default_rng(0), 2000
    area, age = rng.lognormal(4.5, 0.45, n), rng.integers(0, 100, n).astype(float)
    towns = {"north": 0.0, "south": 0.1, "east": -0.15, "west": 0.05, "centre": 0.6, "lake": 0.8, "island": 1.1}
    town = rng.choice(list(towns), n, p=[0.27, 0.22, 0.2, 0.17, 0.09, 0.04, 0.01])
    heating = rng.choice(["gas", "oil", "heat pump", ""], n, p=[0.5, 0.25, 0.15, 0.1])
    garden = rng.exponential(150, n) * (rng.random(n) < 0.6)
    rooms = np.clip((area / 25 + rng.normal(0, 0.8, n)).round(), 1, 12)
    noise = rng.normal(0, 0.35, n) + (rng.random(n) < 0.01) * rng.exponential(1.0, n)
    logarithm = 7.5 + 0.85 * np.log(area) - 0.005 * age + 0.0005 * garden + np.vectorize(towns.get)(town) + noise
    table = pd.DataFrame(
        {
            "area": area.round(1),
            "rooms": rooms,
            "age": age,
            "town": town,
            "heating": heating,
            "garden": garden.round(),
            "price": np.exp(logarithm).round(-2),
        }
    )
    for column, share in {"rooms": 0.05, "age": 0.1, "garden": 0.15}.items():
        table.loc[rng.random(n) < share, column] = np.nan
    return table


def census() -> pd.DataFrame:
    """5,000 people, mostly categories, one in four of the rarer class."""
    rng, n = np.random.default_rng(0), 5000
    schools = ["none", "basic", "school", "college", "bachelor", "master", "doctor"]
    school = rng.choice(7, n, p=[0.02, 0.12, 0.32, 0.23, 0.19, 0.09, 0.03])
    work = rng.choice(["private", "self", "state", "unpaid", "?"], n, p=[0.68, 0.11, 0.13, 0.02, 0.06])
    job = rng.choice(12, n, p=np.arange(12, 0, -1) / 78)
    family = rng.choice(["single", "married", "divorced", "widowed"], n, p=[0.33, 0.46, 0.17, 0.04])
    age, hours = rng.integers(17, 85, n), np.clip(rng.normal(40, 12, n), 1, 99).round()
    gain = np.where(rng.random(n) < 0.08, rng.lognormal(8, 1, n), 0).round()
    logit = -4.3 + 0.55 * school + rng.normal(0, 0.6, 12)[job] + 1.5 * (family == "married") + 0.03 * (hours - 40)
    logit += np.where(age < 60, 0.04 * (age - 30), 0.6) + 0.0002 * gain + 0.4 * (work == "self") * (school > 3)
    rich = rng.random(n) < 1 / (1 + np.exp(-logit))
    return pd.DataFrame(
        {
            "age": age,
            "work": work,
            "school": np.array(schools)[school],
            "job": [f"job {place}" for place in job],
            "family": family,
            "hours": hours,
            "gain": gain,
            "target": np.where(rich, ">50K", "<=50K"),
        }
    )


TABLES = {
    "iris": MadeTable(lambda: _brought(datasets.load_iris)),
    "wine": MadeTable(lambda: _brought(datasets.load_wine)),
    "breast_cancer": MadeTable(lambda: _brought(datasets.load_breast_cancer)),
    "digits": MadeTable(lambda: _brought(datasets.load_digits)),
    "diabetes": MadeTable(lambda: _brought(datasets.load_diabetes), "regression"),
    "sixty_rows": MadeTable(sixty_rows, "regression"),
    "friedman": MadeTable(friedman, "regression"),
    "houses": MadeTable(houses, "regression", "price"),
    "census": MadeTable(census),
    "clusters": MadeTable(clusters),
}
