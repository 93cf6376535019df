"""What a deployment makes before its services start: secrets, the bus's users, its streams. Imported, or run as a step.

How a service is started is left to who deploys it: `local_stack`, compose, Kubernetes.
"""
