"""The table of the settings that says what people look at again."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Review(BaseModel):
    """Which series people look at again, beside those of which the model is not sure."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    usable: Share = 0.03
    """share of the Usable series that people judge too, drawn at random: so that what is missed is found"""
    alerts: Share = 0.2
    """share of the Repeat series that people judge too; the same share of Check is judged blind"""
    second: Share = 0.1
    """share of what the first tier decides that the second tier judges too"""
    blind: Literal["control", "all", "none"] = "control"
    """what is judged before the model's verdict is shown: what was drawn at random, all, or nothing"""
    miss_cost: float = Field(default=5.0, ge=1, le=100)
    """what a step too lenient costs when thresholds are compared; a step too strict costs 1"""
