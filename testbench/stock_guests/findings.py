"""What the monitors find against the drivers of these machines, and is known: docs/any-guest.md has the clauses."""

# SeaBIOS, each time that the machine starts.
_SEABIOS = ("pcicommon-drv-05", "status-drv-01", "devcfg-drv-02", "resfeat-drv-06")


def unknown(client, boots):
    """Of a client of `ringside serve --json`: the findings that are not SeaBIOS's."""
    return [row for row in client["findings"] if row["clause"] not in _SEABIOS or row["count"] > boots]
