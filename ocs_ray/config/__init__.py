"""YAML files become models here; an error names file and line."""
