"""MCP tool calls to bus requests and back."""
