"""The AWS wire: routing, protocols, validation and signatures, driven by the service models of botocore."""
