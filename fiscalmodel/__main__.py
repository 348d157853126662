"""``python -m fiscalmodel``."""

from fiscalmodel.cli import main

if __name__ == "__main__":
    main()
