"""Commands that make files for learners and maintainers."""
