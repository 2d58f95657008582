"""Rules: from votes and evidence to the rows that are kept."""
