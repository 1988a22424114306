"""Neurons that tell an ensemble on the chip of the state of a memory.

Between two ensembles NengoLoihi has decode neurons, a few for each dimension, for each
connection some of its own. A state is what spikes and the input add up to behind one
filter. Told by neurons for each of its parts, it would be lost: the parts are large
where their sum is small, and these neurons represent no more than the range of the
ensemble. So here all parts lead to the same neurons, which represent the sum.
"""

import nengo
import numpy as np
from nengo_loihi.block import Axon, Synapse
from nengo_loihi.decode_neurons import Preset10DecodeNeurons

# All relays of an ensemble share what leads to it, by this name.
_ENCODERS = "relay_encoders"


class RelayConnection(nengo.Connection):
    """From the neurons of a relay to the ensemble that they tell."""


def relay(size, dt):
    """Return an ensemble of decode neurons, which is in no network.

    Parameters
    ----------
    size : int
        Dimensions, each in units of the radius of the ensemble that is told.
    dt : float
        Time step (seconds).
    """
    return Preset10DecodeNeurons(dt=dt).get_ensemble(size, add_to_container=False)


def build_relay_connection(model, conn):
    """Lead the spikes of decode neurons to the encoders of an ensemble.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    conn : RelayConnection
    """
    neurons = Preset10DecodeNeurons(dt=model.dt)
    ensemble = conn.post_obj
    block, sender = model.objs[ensemble]["in"], model.objs[conn.pre_obj]["out"]
    if _ENCODERS not in block.named_synapses:
        encoders = neurons.get_post_encoders(model.params[ensemble].scaled_encoders)
        synapse = Synapse(len(encoders), label=_ENCODERS)
        synapse.set_weights(encoders)
        block.add_synapse(synapse, name=_ENCODERS)
    axon = Axon(sender.n_neurons, label=_ENCODERS)
    axon.target = block.named_synapses[_ENCODERS]
    dims = np.arange(ensemble.size_in)[conn.post_slice]
    axon.set_compartment_axon_map(neurons.get_post_inds(dims, ensemble.size_in))
    sender.add_axon(axon)
    block.compartment.configure_filter(model.decode_tau, dt=model.dt)
    model.params[conn] = None
