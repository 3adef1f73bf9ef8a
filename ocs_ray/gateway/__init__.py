"""HTTP and WebSockets: a user of ``client`` like any other; it starts nothing and keeps nothing."""
