"""``python -m checker``."""

from checker.cli import app

if __name__ == "__main__":
    app(prog_name="python -m checker")
