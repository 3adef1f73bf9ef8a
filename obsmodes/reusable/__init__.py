"""What the scripts of several modes share; a script imports it as ``from reusable.iris_observing import ...``.

``esw_*`` lead an observation from the top level; ``*_observing`` and ``tcs_pointing`` carry it out in a subsystem.
Source: TMT's sequencer-scripts, branch esw-observing-simulation, for who does what in which order; the code is ours.
"""
