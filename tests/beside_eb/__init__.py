"""The real EB CLI beside this action, against the local cloud: `make beside-eb`."""
