"""WeCom's API below `/wecom`: it has another host than WeChat's, and some of the same paths."""
