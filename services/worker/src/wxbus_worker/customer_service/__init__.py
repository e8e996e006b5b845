"""Pulls the messages of WeChat Customer Service, which pushes only announce."""
