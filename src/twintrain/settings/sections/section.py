"""What the sections of params.yaml are made of: a strict model, a named rule, and numbers within sensible bounds."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Upper bounds are far beyond what anybody means: what is above them is a slip, and would end in a crash later on.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # scikit-learn and Keras seed NumPy's legacy generator: 32 bits
Rows = Annotated[int, Field(ge=1, le=10**12)]
BatchSize = Annotated[int, Field(ge=1, le=10**9)]
Steps = Annotated[int, Field(ge=1, le=10**6)]  # of a loop: epochs, iterations
Strength = Annotated[float, Field(ge=0, le=1e6)]
LearningRate = Annotated[float, Field(gt=0, le=1e6)]
Share = Annotated[float, Field(ge=0, lt=1)]
MAX_NAMES = 10_000  # of classes, layers


class Section(BaseModel):
    """A part of params.yaml: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Rule(Section):
    """Something chosen by its name; options left at null are those that its table gives the name."""

    OPTIONS: ClassVar[dict[str, dict[str, Any]]]
    SHARED: ClassVar[set[str]] = {"name"}

    @model_validator(mode="after")
    def _options_are_its_own(self) -> "Rule":
        known = self.OPTIONS[self.name]
        for option in sorted(self.given() - known.keys()):
            raise ValueError(f"{self.name} has no {option}; it has {', '.join(known)}")
        return self

    def given(self) -> set[str]:
        """Names of the options that are written out in params.yaml."""
        return {name for name, value in self if value is not None} - self.SHARED

    def options(self, mode: str = "aligned") -> dict[str, Any]:
        """Values of its options; in `native`, of the given ones alone."""
        given = {name: getattr(self, name) for name in self.given()}
        return given if mode == "native" else {**self.OPTIONS[self.name], **given}
