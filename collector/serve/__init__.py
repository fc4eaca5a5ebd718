"""The recorded runs for other programs: over HTTP, and as tools of the Model Context Protocol.

Both ask the same questions (`answers.py`) of a workspace's stores and give out the same records as the
command line. What comes in is not trusted: it says who it is before it is looked at, and has a limit of size
and time.
"""
