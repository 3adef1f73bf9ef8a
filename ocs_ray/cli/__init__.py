"""The ``ocs`` command, a user of ``client``; only ``launch`` starts actors, and only the node process imports it."""
