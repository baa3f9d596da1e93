"""How the test rows of a project were drawn."""

import numpy as np

from twintrain.data.raw_rows import row_values
from twintrain.data.shards.manifest import MANIFEST
from twintrain.evaluation.sampling import Sampling
from twintrain.system import project


def stored_sampling(index: np.ndarray, is_sample: bool = True) -> Sampling:
    """How rows (rows,) of the ingested data were drawn, with the groups that `split.group` has left there."""
    if not is_sample or not (project.INGESTED / MANIFEST).exists():
        return Sampling(is_sample)
    return Sampling(groups=row_values(project.INGESTED, "group", index))
