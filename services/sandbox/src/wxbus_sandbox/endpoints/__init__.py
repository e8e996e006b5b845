"""The calls of WeChat's API that the sandbox answers, one module for each topic."""
