"""The command line: at the right end of the data's way, without storage logic."""
