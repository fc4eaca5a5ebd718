"""From what people type to a RunQuery: times, the filter language, references to runs."""
