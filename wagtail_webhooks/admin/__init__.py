"""The pages of Wagtail's admin: endpoints, the log of deliveries, the chooser and the panel."""
