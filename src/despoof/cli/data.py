"""`despoof data`: datasets become manifests; what is known of clips before a system sees them."""

import typer

from despoof.cli import data_audit, data_protocol

EXAMPLE = "Example: despoof data protocol manifest.csv official -o divided.csv"

app = typer.Typer(help="Look at a set of clips.", no_args_is_help=True, epilog=EXAMPLE)
app.command("audit", epilog=data_audit.EXAMPLE)(data_audit.audit)
app.command("protocol", epilog=data_protocol.EXAMPLE)(data_protocol.protocol)
