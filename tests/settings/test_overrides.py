import pytest

from twintrain.settings.overrides import parse_overrides


@pytest.mark.parametrize(
    ("arguments", "overrides"),
    [
        ([], {}),
        (["--train.epochs", "20"], {"train.epochs": 20}),
        (["--train.epochs=20"], {"train.epochs": 20}),
        (
            ["--train.optimizer.learning_rate", "1e-3", "--model=mlp"],
            {"train.optimizer.learning_rate": 0.001, "model": "mlp"},
        ),
        (["--frameworks", "[torch]"], {"frameworks": ["torch"]}),
        (["--train.batch_size", "null"], {"train.batch_size": None}),
        (["--train.seed", "-5"], {"train.seed": -5}),
        (["--tracking.experiment=a=b"], {"tracking.experiment": "a=b"}),
        (["--train.epochs", "1", "--train.epochs", "2"], {"train.epochs": 2}),
    ],
)
def test_arguments_become_typed_values(arguments, overrides):
    assert parse_overrides(arguments) == overrides


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "unexpected argument 'train'; expected --PARAMETER VALUE, as in --train.epochs 20"),
        (["-P", "a=1"], "unexpected argument '-P'; expected --PARAMETER VALUE, as in --train.epochs 20"),
        (["--", "a"], "unexpected argument '--'; expected --PARAMETER VALUE, as in --train.epochs 20"),
        (
            ["--train.epochs", "1", "2"],
            "unexpected argument '2'; expected --PARAMETER VALUE, as in --train.epochs 20",
        ),
        (["--train.epochs"], "--train.epochs has no value; expected --train.epochs VALUE"),
    ],
)
def test_other_forms_are_refused(arguments, message, error_of):
    assert error_of(parse_overrides, arguments) == message


def test_next_parameter_is_not_taken_for_a_forgotten_value(error_of):
    assert error_of(parse_overrides, ["--tracking.experiment", "--train.seed=3"]) == (
        "--tracking.experiment has no value; expected --tracking.experiment VALUE"
    )


def test_arguments_are_left_as_they_were():
    arguments = ["--train.epochs", "20"]
    parse_overrides(arguments)
    assert arguments == ["--train.epochs", "20"]
