"""What the chip's whole-numbered decays do to a memory, and how it is undone.

A current on Loihi decays by a whole number of 4096ths a step, so that a synapse of
0.2 s becomes one of 0.204 s. NengoLoihi keeps its gain. With ``a'`` in the place of
``a = exp(-dt / tau)``, a memory whose connections were made for ``a`` runs at another
speed, ``(1 - a') / (1 - a)`` times as fast, and its window is that much longer or
shorter: 2 % for 0.2 s, which is most of the error of a large memory. Made for ``a'``
the connections would be, by Principle 3,

    A_h' = k A_h + (1 - k) I    and    B_h' = k B_h    with k = (1 - a) / (1 - a')
"""

import nengo
import numpy as np

from nengo_lmu.loihi.builder.ours import memory_of, ours

# A current decays by this at most, since the chip adds the 1 that NengoLoihi subtracts.
_MAX_DECAY = 2**12 - 1


def chip_decay(tau, dt):
    """Return the fraction of a current that is left after a step on the chip.

    Parameters
    ----------
    tau : float
        Time constant of the synapse (seconds).
    dt : float
        Time step (seconds).

    Returns
    -------
    decay : float
        Next to ``exp(-dt / tau)``.
    """
    return 1 - (stored_decay(-np.expm1(-dt / tau)) + 1) / 2**12


def stored_decay(lost):
    """Return the whole number by which NengoLoihi makes a current decay.

    Parameters
    ----------
    lost : float or ndarray
        The fraction of the current that is lost in a step.

    Returns
    -------
    stored : float or ndarray
        4096ths, less one.
    """
    return np.clip(np.round(lost * _MAX_DECAY - 1), 0, _MAX_DECAY)


def in_time(model, conn):
    """Return a connection that keeps its memory's time with the chip's decay.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        `ours` says whether decays are those of the chip.
    conn : nengo.Connection
        To neurons on the chip.

    Returns
    -------
    conn : nengo.Connection
        The same, unless it leads to the neurons of a memory through its synapse.
    """
    memory = memory_of(model, conn.post_obj.ensemble)
    if (
        memory is None
        or not ours(model).whole_decays
        or conn.synapse != memory.synapse
        or not isinstance(conn.transform, nengo.Dense)
    ):
        return conn
    dt, tau = model.dt, memory.synapse.tau
    k = np.expm1(-dt / tau) / (chip_decay(tau, dt) - 1)
    transform = k * conn.transform.sample()
    p = memory.populations
    if conn.pre_obj == conn.post_obj and memory not in ours(model).in_time:
        # Several connections may lead back to the neurons, of which one is enough.
        ours(model).in_time.add(memory)
        transform = transform + (1 - k) * p.encoders.T @ p.decoders
    changed = nengo.Connection(
        conn.pre,
        conn.post,
        transform=transform,
        synapse=conn.synapse,
        label=conn.label,
        add_to_container=False,
    )
    model.seeds[changed] = model.seeds[conn]
    model.seeded[changed] = model.seeded[conn]
    return changed
