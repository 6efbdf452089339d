import click


@click.command("reparse")
def command() -> None:
    """Read the pages of a run again."""
