"""``python -m tidegate``: the same program as ``tidegate``."""

from tidegate.cli import main

if __name__ == "__main__":
    main()
