"""`despoof data`: datasets become manifests; what is known of clips before a system sees them."""

import typer

from despoof.cli import data_audit, data_cut, data_index, data_list, data_protocol, data_verify

EXAMPLE = "Example: despoof data index oulu-npu /data/OULU -o oulu.parquet"

app = typer.Typer(help="Look at a set of clips.", no_args_is_help=True, epilog=EXAMPLE)
app.command("list", epilog=data_list.EXAMPLE)(data_list.show)
app.command("index", epilog=data_index.EXAMPLE)(data_index.index)
app.command("protocol", epilog=data_protocol.EXAMPLE)(data_protocol.protocol)
app.command("cut", epilog=data_cut.EXAMPLE)(data_cut.cut)
app.command("verify", epilog=data_verify.EXAMPLE)(data_verify.verify)
app.command("audit", epilog=data_audit.EXAMPLE)(data_audit.audit)
