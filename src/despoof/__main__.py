"""`python -m despoof` is `despoof`."""

from despoof.cli.main import run

if __name__ == "__main__":
    run()
