"""The only openers of stores and files: threads that read, and tell a screen what they found."""
