"""The networks that a network is made of."""


def members(network, *classes):
    """Return a network and all networks within it that are of one of some classes.

    Parameters
    ----------
    network : nengo.Network
    *classes : type

    Returns
    -------
    members : list of nengo.Network
        From the outside in.
    """
    return [one for one in (network, *network.all_networks) if isinstance(one, classes)]
