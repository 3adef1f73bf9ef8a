"""The same small jobs on what one might pick instead; each peer in an environment of its own."""
