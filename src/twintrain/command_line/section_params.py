"""Parameters of one section of params.yaml, on the command line of a command that is about it alone."""

from typing import Any

from twintrain.errors import UserError
from twintrain.settings.overrides import parse_overrides
from twintrain.settings.params import Params, check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project


def section_params(section: str, arguments: list[str], refusal: str) -> tuple[Params, dict[str, Any]]:
    """Applies what a command line gives of a section to params.yaml, which stays as it is.

    Args:
        section: such as `drift`.
        arguments: `--drift.psi 0.1 …`
        refusal: what is said of a parameter of another section, as far as its name.

    Returns:
        the parameters, and those of them that are given, by their dotted names.

    Raises:
        UserError: a parameter of another section, or a wrong value.
    """
    given = parse_overrides(arguments)
    for name in given:
        if not name.startswith(f"{section}."):
            raise UserError(f"{refusal}, got --{name}")
    content = changed_params(read_yaml(project.PARAMS), None, given)
    return check_params(content, str(project.PARAMS)), given
