"""Form pages of a site that knows nothing of webhooks."""
