"""The screens: they own the data, ask the threads, and tell the widgets."""
