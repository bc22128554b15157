"""The checker: it looks at the model that a learner built and at what training did."""

from checker.language import get_language, set_language

__all__ = ["__version__", "get_language", "set_language"]
__version__ = "0.1.0"
