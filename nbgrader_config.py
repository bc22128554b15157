"""nbgrader's configuration; another course's ``nbgrader_config.py`` needs no more than these lines."""

from checker.grading.nbgrader import configure

c = get_config()  # noqa: F821 - nbgrader provides it
configure(c)
