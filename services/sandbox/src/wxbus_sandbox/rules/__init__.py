"""WeChat's rules: tokens, windows, platforms, media, and the faults that were asked for."""
