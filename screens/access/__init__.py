"""Who may see and do what: accounts, sessions, roles, the audit log."""
