"""What each target makes of a domain: one module for each, with ``files(domain, project)``."""
