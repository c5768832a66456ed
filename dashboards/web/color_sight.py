"""How far apart two colours are to people with each kind of colour sight: CIE76 distance after simulation by Machado, Oliveira and
Fernandes, 'A Physiologically-based Model for Simulation of Color Vision Deficiency' (2009), severity 1."""
import itertools

# Rows of the matrices that act on linear RGB.
SIGHTS = {
    'normal': ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    'protanopia': ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    'deuteranopia': ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    'tritanopia': ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def _linear(color):
    channels = (int(color[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def _lab(rgb):
    red, green, blue = (min(1.0, max(0.0, c)) for c in rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _seen(color, matrix):
    rgb = _linear(color)
    return _lab([sum(weight * channel for weight, channel in zip(row, rgb)) for row in matrix])


def closest(colors):
    """(distance, sight, name, name) of the two of `colors`, {name: '#rrggbb'}, that are hardest to tell apart."""
    return min((sum((p - q) ** 2 for p, q in zip(_seen(colors[a], matrix), _seen(colors[b], matrix))) ** 0.5, sight, a, b)
               for sight, matrix in SIGHTS.items() for a, b in itertools.combinations(sorted(colors), 2))
