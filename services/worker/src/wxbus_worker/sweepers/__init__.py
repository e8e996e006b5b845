"""Background tasks: they publish what is due (expired contexts, passed reply deadlines) and detect data losses."""
