"""What ingest, preprocess and split make together, without files."""

from twintrain.config import Params
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.encoding import encode_images, encode_table
from twintrain.data.parts import Part
from twintrain.data.reading import read_raw
from twintrain.data.schema import Schema, network_schema
from twintrain.data.splitting import fit_scaler, scale, split_rows


def prepare(params: Params) -> tuple[Schema, dict[str, Part]]:
    """Reads the raw files of a data set into the parts that a training takes."""
    dataset = load_dataset(params.dataset)
    schema = network_schema(params.dataset, dataset, params.preprocess)
    data = read_raw(raw_files(params.dataset, dataset), dataset, params.ingest.bad_rows)
    if schema.is_image:
        features = encode_images(data.images)
    else:
        features = encode_table(data.table, dataset, params.preprocess.categorical)
    rows = split_rows(data.labels, params.split)
    scaler = fit_scaler(features[rows["train"]], params.split.scale)
    return schema, {
        name: Part(scale(features[index], scaler), data.labels[index], index) for name, index in rows.items()
    }
