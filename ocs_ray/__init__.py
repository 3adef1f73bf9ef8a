"""ocs_ray: an observatory control runtime on Ray."""

__version__ = "0.1.0"
