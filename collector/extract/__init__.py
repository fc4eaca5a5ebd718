"""What recorded bytes say: test results, coverage, log entries, JSON, metrics. Bytes in, values out; pure."""
