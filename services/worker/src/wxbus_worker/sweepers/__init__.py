"""Background tasks: they publish expired contexts, passed reply deadlines and due messages, and detect data losses."""
