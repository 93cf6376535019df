"""What a deployment on Kubernetes does in place of `provision secrets`: Secrets in place of folders, and the
configurations of NATS and coturn made where they run, since a pod learns its own address and name only there.
"""
