// How far apart two colours are to people with each kind of colour sight: CIE76 distance after simulation by Machado, Oliveira and
// Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.

// Rows of the matrices that act on linear RGB.
const SIGHTS = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
};

function linear(color) {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
}

function lab(rgb) {
  const [red, green, blue] = rgb.map((c) => Math.min(1, Math.max(0, c)));
  const [fx, fy, fz] = [(0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047, 0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

const seen = (color, matrix) => lab(matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * linear(color)[i], 0)));

// Of {name: '#rrggbb'} the two that are hardest to tell apart: {distance, sight, pair}.
export function closest(colors) {
  const names = Object.keys(colors).sort();
  const all = Object.entries(SIGHTS).flatMap(([sight, matrix]) => names.flatMap((a, i) => names.slice(i + 1).map((b) => ({
    distance: Math.hypot(...seen(colors[a], matrix).map((value, k) => value - seen(colors[b], matrix)[k])), sight, pair: [a, b]}))));
  return all.reduce((least, each) => (each.distance < least.distance ? each : least));
}
