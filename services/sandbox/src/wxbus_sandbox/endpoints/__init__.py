"""WeChat's API, one module for each topic."""
