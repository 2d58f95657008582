"""All that knows skorch and torch: weak learners, inference, settings, tasks."""
