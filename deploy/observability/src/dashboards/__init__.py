"""The dashboards as data, and the step that makes Grafana's JSON of them: `python -m dashboards`."""
