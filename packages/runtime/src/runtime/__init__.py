"""What every service process shares: settings, logs, telemetry, health, shutdown, crash points.

It knows the bus's settings and no service's business.
"""
