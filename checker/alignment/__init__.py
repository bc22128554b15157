"""The cheapest edit between a network and the expected one, as findings and as rows of a table."""

from checker.alignment.table import Alignment, align
from checker.alignment.wording import Edit

__all__ = ["Alignment", "Edit", "align"]
