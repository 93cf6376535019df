"""Turns (plan with a language model) and operations (no model), both by Verify-Execute-Verify."""
