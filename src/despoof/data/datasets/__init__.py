"""One file per dataset: how its folders are named, and which protocols it publishes."""
