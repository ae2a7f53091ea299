/**
 * Draws the map. Points are written into the pixels themselves, darker where more lie on each other: that takes
 * a few milliseconds for 100,000 of them, on any machine. Pictures lie over the points.
 */

const LEVELS = 24;
const SMALLEST_PICTURE_PIXELS = 36;
const LARGEST_PICTURE_PIXELS = 48;
const SMALLEST_GAP_PIXELS = 4;
const LARGEST_GAP_PIXELS = 28; // where points are many, they have to be seen between the pictures
const SMALLEST_DOT_PIXELS = 1.1;
const LARGEST_DOT_PIXELS = 3.5;
const DOT_GROWTH = 0.35; // pixels each time that the zoom doubles
const FAINTEST = 0.22;
const LEAST_FAINT = 0.62;

export class Painter {
  /** Points shown as pictures in the last frame, with the middle of each. */
  pictures = [];

  /** @param {HTMLCanvasElement} canvas Its colour is that of the points. */
  constructor(canvas, camera, grid, mosaic, loader) {
    Object.assign(this, { canvas, camera, grid, mosaic, loader });
    this.context = canvas.getContext("2d");
    // 1 for a thousand points or fewer, 0 from a hundred thousand on.
    this.sparseness = Math.min(Math.max((5 - Math.log10(grid.count)) / 2, 0), 1);
    this.edge = Math.round(mixed(SMALLEST_PICTURE_PIXELS, LARGEST_PICTURE_PIXELS, this.sparseness));
    this.spacing = this.edge + Math.round(mixed(LARGEST_GAP_PIXELS, SMALLEST_GAP_PIXELS, this.sparseness));
  }

  /** Take the canvas's size and colours from the page. */
  measure() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.ratio = Math.min(devicePixelRatio, 2);
    this.camera.width = width;
    this.camera.height = height;
    this.canvas.width = Math.max(1, Math.round(width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(height * this.ratio));
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depths = new Uint8Array(this.pixels.length);
    this.colour = getComputedStyle(this.canvas).color;
    this.colours = shades(this.colour, mixed(FAINTEST, LEAST_FAINT, this.sparseness));
  }

  /** Draw a frame, with a ring around one point unless it is null. */
  draw(chosen) {
    this.#drawPoints();
    this.context.putImageData(this.image, 0, 0);
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.#drawPictures();
    if (chosen !== null) this.#drawRing(chosen);
  }

  /** The picture that lies at a place of the screen, or null. */
  pictureAt(left, top) {
    const half = this.edge / 2;
    const hit = this.pictures.find((one) => Math.abs(one.left - left) <= half && Math.abs(one.top - top) <= half);
    return hit?.point ?? null;
  }

  #drawPoints() {
    const { camera, grid, ratio } = this;
    const { width, height } = this.canvas;
    const smallest = mixed(SMALLEST_DOT_PIXELS, LARGEST_DOT_PIXELS, 0.6 * this.sparseness);
    const radius = ratio * Math.min(smallest + DOT_GROWTH * Math.log2(camera.zoom), LARGEST_DOT_PIXELS);
    const dot = dotOf(radius, width);
    const edge = Math.ceil(radius);
    const scale = camera.scale * ratio;
    const offsetX = width / 2 - camera.x * scale;
    const offsetY = height / 2 + camera.y * scale;
    this.pixels.fill(0);
    this.depths.fill(0);
    grid.eachRange(camera.seen(), (from, to) => {
      for (let index = from; index < to; index++) {
        const x = Math.round(grid.xs[index] * scale + offsetX);
        const y = Math.round(offsetY - grid.ys[index] * scale);
        if (x >= edge && y >= edge && x < width - edge && y < height - edge) this.#stamp(dot, y * width + x);
      }
    });
  }

  #stamp(dot, middle) {
    const { pixels, depths, colours } = this;
    for (let index = 0; index < dot.length; index++) {
      const pixel = middle + dot[index];
      const depth = depths[pixel];
      if (depth === LEVELS - 1) continue;
      depths[pixel] = depth + 1;
      pixels[pixel] = colours[depth];
    }
  }

  #drawPictures() {
    const half = this.edge / 2;
    this.pictures = [];
    for (const place of this.mosaic.choose(this.camera, this.spacing)) {
      const image = this.loader.image(place.point, this.edge * this.ratio);
      if (!image) continue;
      this.context.drawImage(image, place.left - half, place.top - half, this.edge, this.edge);
      this.pictures.push(place);
    }
  }

  #drawRing(point) {
    const { camera, context, grid } = this;
    const [left, top] = camera.toScreen(grid.x(point), grid.y(point));
    const half = this.edge / 2 + 2;
    context.beginPath();
    if (this.pictures.some((one) => one.point === point)) {
      context.roundRect(left - half, top - half, 2 * half, 2 * half, 7);
    } else {
      context.arc(left, top, 7, 0, 2 * Math.PI);
    }
    context.strokeStyle = this.colour;
    context.lineWidth = 3;
    context.stroke();
  }
}

const mixed = (low, high, share) => low + (high - low) * share;

/** Offsets of the pixels of a round dot from its middle, in a canvas so wide. */
function dotOf(radius, width) {
  const edge = Math.ceil(radius);
  const offsets = [];
  for (let y = -edge; y <= edge; y++) {
    for (let x = -edge; x <= edge; x++) {
      if (x * x + y * y <= radius * radius) offsets.push(y * width + x);
    }
  }
  return Int32Array.from(offsets);
}

/** A colour in growing opacity, as pixels. Those of canvases are red, green, blue, alpha from the lowest byte up. */
function shades(colour, faintest) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return Uint32Array.from({ length: LEVELS }, (_, level) => {
    const opacity = faintest + (1 - faintest) * (1 - (1 - level / (LEVELS - 1)) ** 2);
    return ((Math.round(255 * opacity) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}
