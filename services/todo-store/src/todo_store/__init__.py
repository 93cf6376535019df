"""Owns PostgreSQL: lists and items, the journal of their changes, and what became of each turn."""
