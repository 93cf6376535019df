"""The MCP bridge as clients start it, against the whole stack."""
