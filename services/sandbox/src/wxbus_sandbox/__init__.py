"""A stand-in for WeChat's API and for WeChat's users."""
