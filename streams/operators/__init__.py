"""The operators: what each agent decides, one partition at a time."""
