"""Names <-> handles: the only place that looks actors up and turns Ray's errors into ours."""
