"""AWS Organizations: an organization's accounts, units and tags, and what reads them."""
