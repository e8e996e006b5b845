"""What WeChat defines: pure functions and typed messages, no I/O."""
