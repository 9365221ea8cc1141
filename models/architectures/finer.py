"""A trunk's last feature map, twice as fine, so that heatmaps are.

As in a feature pyramid (Lin et al., CVPR 2017, arXiv:1612.03144), what the last stage makes of the image is laid over
what the stage before it saw with half the stride. Heads read only the sum: there is no way around it, so class
activation maps of it are exact.
"""

import keras

CHANNELS = 256


def finer(trunk: keras.Model, lateral: str) -> keras.Model:
    """`trunk` with half its stride and CHANNELS channels; `lateral`: the layer of half its stride that is laid under.

    Raises ValueError where the map of `lateral` is not twice as high and wide.
    """
    coarse, fine = trunk.output, trunk.get_layer(lateral).output
    if fine.shape[1:3] != tuple(2 * side for side in coarse.shape[1:3]):
        raise ValueError(f"{lateral} gives {fine.shape[1:3]}, not twice the {coarse.shape[1:3]} of {trunk.name}.")
    coarse = keras.layers.Conv2D(CHANNELS, 1, name="finer_coarse")(coarse)
    coarse = keras.layers.UpSampling2D(2, interpolation="bilinear", name="finer_up")(coarse)
    fine = keras.layers.Conv2D(CHANNELS, 1, use_bias=False, name="finer_lateral")(fine)
    both = keras.layers.ReLU(name="finer_sum_relu")(keras.layers.Add(name="finer_sum")([coarse, fine]))
    # Upsampled values alias; the pyramid's own remedy is a 3 x 3 filter, here one for each channel.
    smooth = keras.layers.DepthwiseConv2D(3, padding="same", name="finer_smooth")(both)
    return keras.Model(trunk.input, keras.layers.ReLU(name="finer_relu")(smooth), name=f"{trunk.name}_finer")
