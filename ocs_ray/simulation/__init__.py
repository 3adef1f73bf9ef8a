"""Simulated devices: what stands in for the telescope and its instruments, in real time or faster.

Every kind of device has a file of its own. What a device can be told in the cluster file is its ``...Options``
class, with defaults. Every wait goes through ``ctx.sleep``, so that a time factor can shorten it.
Source: TMT's esw-observing-simulation for commands, parameters, events and states; the timing is ours.
"""
