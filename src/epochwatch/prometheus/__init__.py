"""The Prometheus face: its query API over our metrics, remote-write and OTLP metrics in. See docs/prometheus.md."""
