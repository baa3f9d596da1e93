"""What ingest, preprocess and split make together, without files."""

from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.parts import Part
from twintrain.data.schema import Schema, network_schema
from twintrain.settings.params import Params


def prepare(params: Params) -> tuple[Schema, dict[str, Part]]:
    """Reads the raw files of a data set into the parts that a training takes."""
    # With pandas, which a command that refuses what was typed does without.
    from twintrain.data.prepare.encoding import encode_array, encode_table
    from twintrain.data.prepare.fitting import fit
    from twintrain.data.prepare.splitting import split_rows
    from twintrain.data.readers.reading import read_raw

    described = load_dataset(params.dataset)
    dataset = described.of_classes(params.ingest.classes)
    schema = network_schema(params.dataset, dataset, params.preprocess)
    paths = raw_files(params.dataset, described)
    by = {"group": params.split.group, "time": params.split.time}
    data = read_raw(paths, described, params.ingest.bad_rows, params.ingest.classes, **by)
    lexicon: dict[int, str] = {}
    if data.array is None:
        features = encode_table(data.table, dataset.inputs, lexicon=lexicon)
    else:
        features = encode_array(data.array)
    rows = split_rows(data.labels, params.split, **data.row_marks)
    fitted = fit(features, data.labels, rows["train"], dataset, schema, params.split, lexicon.values())
    return schema, {name: fitted.part(features[index], data.labels[index], index) for name, index in rows.items()}
