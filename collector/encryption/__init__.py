"""Encryption and signatures: streams and bytes in and out; knows nothing of runs, settings or workspaces.

Built on the package `cryptography`, which is an extra and is loaded when something is encrypted, opened,
signed or verified, not before.
"""
