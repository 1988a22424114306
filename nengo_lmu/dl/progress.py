"""Progress of training."""

import tensorflow as tf
from tqdm import tqdm


class EpochBar(tf.keras.callbacks.Callback):
    """A progress bar over epochs, with the latest losses and accuracies.

    Parameters
    ----------
    epochs : int
    disable : bool or None
        As for tqdm: None shows the bar on terminals only.
    """

    def __init__(self, epochs, disable=None):
        super().__init__()
        self._bar = tqdm(total=epochs, desc="training", unit="epoch", disable=disable)

    def on_epoch_end(self, epoch, logs=None):
        """Advance by an epoch."""
        shown = {
            name.replace("probe_", ""): f"{value:.3f}"
            for name, value in (logs or {}).items()
            if name != "probe_loss" and name != "val_probe_loss"
        }
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def on_train_end(self, logs=None):
        """Close the bar."""
        self._bar.close()
