"""One network that reads digits in spikes, whichever the digits are.

`network` has the network and the ways to run it, `presentation` how digits get there,
`streams` several of its memories side by side, `row` what came out, and `drawing` what
figures have in common. What it is trained on is in `nengo_lmu.series.states`.
"""
