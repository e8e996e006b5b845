"""The API of WeCom: messages of applications, and customer service in WeChat."""
