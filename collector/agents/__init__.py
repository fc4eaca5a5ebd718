"""Agents: what their hooks and transcripts say, and how that becomes runs and sessions.

One file for each agent, pure: bytes in, `events` out. `ingest` turns events into run folders, session
folders and announcements, the only way in that there is.
"""
