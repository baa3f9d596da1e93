import pytest

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.settings.sections.data import Preprocess
from twintrain.settings.yaml_files import read_yaml, write_yaml


def schema_of(name, categorical="codes"):
    return network_schema(name, load_dataset(name), Preprocess(categorical=categorical))


def test_pixels_are_an_image_of_floats(project):
    schema = schema_of("mnist5k")
    assert (schema.input_shape, schema.input_dtype, schema.categories) == ([28, 28, 1], "float", None)
    assert (schema.feature_names, schema.outputs, schema.is_image) == (None, 10, True)


def test_categories_as_codes_keep_the_number_of_categories(project):
    schema = schema_of("car")
    assert (schema.input_shape, schema.input_dtype, schema.categories) == ([6], "int64", [4, 4, 4, 3, 3, 3])
    assert schema.feature_names == ["buying", "maint", "doors", "persons", "lug_boot", "safety"]
    assert (schema.outputs, schema.is_image, schema.labels) == (4, False, ["unacc", "acc", "good", "vgood"])


def test_categories_as_onehot_are_a_column_each(project):
    schema = schema_of("car", "onehot")
    assert (schema.input_shape, schema.input_dtype, schema.categories) == ([21], "float", None)
    assert schema.feature_names[:5] == ["buying=vhigh", "buying=high", "buying=med", "buying=low", "maint=vhigh"]


@pytest.mark.parametrize("categorical", ["codes", "onehot"])
def test_numbers_are_floats_either_way(categorical, project):
    schema = schema_of("xor", categorical)
    assert (schema.input_shape, schema.input_dtype, schema.feature_names) == ([2], "float", ["x1", "x2"])
    assert (schema.task, schema.outputs) == ("binary", 1)


def test_codes_of_a_mixed_table_are_refused(project, error_of):
    path = project / "conf/datasets/car.yaml"
    content = read_yaml(path)
    content["features"]["price"] = "numeric"
    content["features"]["age"] = {"min": 0}
    write_yaml(path, content)
    assert error_of(schema_of, "car") == (
        "preprocess.categorical: codes needs a table of categories alone, but 'age' of car is numeric; "
        "expected preprocess.categorical: onehot"
    )
    assert schema_of("car", "onehot").input_shape == [23]


@pytest.mark.parametrize("name", ["mnist5k", "car", "diabetes"])
def test_saved_schema_is_loaded_the_same(name, project):
    schema = schema_of(name)
    schema.save(project)
    assert Schema.load(project) == schema
