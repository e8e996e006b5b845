"""Events by topic, one module each (protocol reference 6)."""
