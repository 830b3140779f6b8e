"""Snippets of a site that knows nothing of webhooks."""
