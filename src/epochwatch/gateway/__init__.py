"""The AWS side of the port: protocols, validation and signatures, driven by botocore's service models.

It knows protocols and models, and no service: operations are handed to it.
"""
