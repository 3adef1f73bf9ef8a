"""Thin shells: hold the state, ask the core, start the effects. Only ``ray_actors`` and ``spawning`` know Ray."""
