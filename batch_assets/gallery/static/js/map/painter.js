/**
 * Draws the map. Points are written into the pixels themselves, darker where more lie on each other: that takes
 * a few milliseconds for 100,000 of them, on any machine. Pictures lie over the points.
 */

const LEVELS = 24;
const PICTURE_PIXELS = 40;
const SPACING_PIXELS = 50;
const SMALLEST_DOT_PIXELS = 1.1;
const LARGEST_DOT_PIXELS = 3.5;

export class Painter {
  /** Points shown as pictures in the last frame, with the middle of each. */
  pictures = [];

  /** @param {HTMLCanvasElement} canvas Its colour is that of the points. */
  constructor(canvas, camera, grid, mosaic, loader) {
    Object.assign(this, { canvas, camera, grid, mosaic, loader });
    this.context = canvas.getContext("2d");
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
    this.colours = shades(this.colour, 0.22 + 0.4 * this.#sparseness());
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
    const half = PICTURE_PIXELS / 2;
    const hit = this.pictures.find((one) => Math.abs(one.left - left) <= half && Math.abs(one.top - top) <= half);
    return hit?.point ?? null;
  }

  #drawPoints() {
    const { camera, grid, ratio } = this;
    const { width, height } = this.canvas;
    const size = SMALLEST_DOT_PIXELS + 1.4 * this.#sparseness() + 0.35 * Math.log2(camera.zoom);
    const radius = ratio * Math.min(size, LARGEST_DOT_PIXELS);
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

  /** 1 for a thousand points or fewer, 0 from a hundred thousand on. */
  #sparseness() {
    return Math.min(Math.max((5 - Math.log10(this.grid.count)) / 2, 0), 1);
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
    const { camera, context, grid, loader, mosaic } = this;
    const half = PICTURE_PIXELS / 2;
    const { minX, minY, maxX, maxY } = camera.seen(half);
    this.pictures = [];
    for (const point of mosaic.points(camera.scale, SPACING_PIXELS)) {
      const [x, y] = [grid.x(point), grid.y(point)];
      if (x < minX || x > maxX || y < minY || y > maxY) continue;
      const image = loader.image(point, PICTURE_PIXELS * this.ratio);
      if (!image) continue;
      const [left, top] = camera.toScreen(x, y);
      context.drawImage(image, left - half, top - half, PICTURE_PIXELS, PICTURE_PIXELS);
      this.pictures.push({ point, left, top });
    }
  }

  #drawRing(point) {
    const { camera, context, grid } = this;
    const [left, top] = camera.toScreen(grid.x(point), grid.y(point));
    const half = PICTURE_PIXELS / 2 + 2;
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
