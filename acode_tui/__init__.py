"""The inspector: shows what was recorded, live, in the terminal. Reads only."""
