import pytest

from twintrain.data.dataset import Dataset, load_dataset
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


@pytest.mark.parametrize("categorical", ["codes", "onehot"])
def test_text_is_token_ids_of_which_the_description_says_how_many(categorical, project):
    schema = schema_of("reviews", categorical)
    assert (schema.input_shape, schema.input_dtype, schema.categories, schema.tokens) == ([16], "int64", None, 102)
    assert schema.input_dims == (102,) * 16
    assert schema.feature_names[:2] == ["review 1", "review 2"]


def test_words_cannot_be_given_back(project, error_of):
    given_back = Preprocess(target="input")
    message = "preprocess.target: input needs numbers to give back, and words are none; expected labels"
    assert error_of(network_schema, "reviews", load_dataset("reviews"), given_back) == message


@pytest.mark.parametrize("name", ["mnist5k", "car", "diabetes", "reviews"])
def test_saved_schema_is_loaded_the_same(name, project):
    schema = schema_of(name)
    schema.save(project)
    assert Schema.load(project) == schema


def test_encoded_columns_are_found_by_the_name_of_their_column(project):
    features = {
        "pay": {"missing": True},
        "pay year": "numeric",
        "birth day": "date",
        "a": ["x", "b=c"],
        "a=x": "numeric",
    }
    dataset = Dataset.model_validate({**load_dataset("car").model_dump(), "features": features, "names": None})
    schema = network_schema("made", dataset, Preprocess(categorical="onehot"))
    places = schema.places_by_name()
    assert places["pay"] == [0, 1]
    assert places["pay year"] == [2]
    assert places["birth day"] == [3, 4, 5, 6, 7]
    assert places["birth day weekday"] == [6]
    assert (places["a"], places["a=b=c"], places["a=x"]) == ([8, 9], [9], [10])
