/** Which part of the plane is seen, and how large. Screen lengths are in CSS pixels, y downwards; the plane's y is up. */

const MARGIN = 0.06;
const MAX_ZOOM = 4000;

export class Camera {
  width = 1;
  height = 1;
  zoom = 1;

  /** @param {{minX: number, minY: number, maxX: number, maxY: number}} bounds All that there is; zoom 1 shows it. */
  constructor(bounds) {
    this.bounds = bounds;
    this.reset();
  }

  /** Pixels per unit of the plane. */
  get scale() {
    const { minX, minY, maxX, maxY } = this.bounds;
    const fit = Math.min(this.width / (maxX - minX), this.height / (maxY - minY));
    return fit * (1 - 2 * MARGIN) * this.zoom;
  }

  get position() {
    return { x: this.x, y: this.y, zoom: this.zoom };
  }

  /** The part of the plane that is seen, with a border of so many pixels. */
  seen(border = 0) {
    const [minX, maxY] = this.toPlane(-border, -border);
    const [maxX, minY] = this.toPlane(this.width + border, this.height + border);
    return { minX, minY, maxX, maxY };
  }

  toScreen(x, y) {
    const { scale } = this;
    return [(x - this.x) * scale + this.width / 2, (this.y - y) * scale + this.height / 2];
  }

  toPlane(left, top) {
    const { scale } = this;
    return [this.x + (left - this.width / 2) / scale, this.y - (top - this.height / 2) / scale];
  }

  reset() {
    const { minX, minY, maxX, maxY } = this.bounds;
    this.moveTo({ x: (minX + maxX) / 2, y: (minY + maxY) / 2, zoom: 1 });
  }

  /** Move the middle, never off what there is. */
  moveTo({ x, y, zoom }) {
    const { minX, minY, maxX, maxY } = this.bounds;
    this.x = clamp(x, minX, maxX);
    this.y = clamp(y, minY, maxY);
    this.zoom = clamp(zoom, 1, MAX_ZOOM);
  }

  /** Move what is seen by so many pixels. */
  pan(right, down) {
    const { scale } = this;
    this.moveTo({ x: this.x - right / scale, y: this.y + down / scale, zoom: this.zoom });
  }

  /** Zoom so that what is at a place of the screen stays there. */
  zoomAt(left, top, factor) {
    const [x, y] = this.toPlane(left, top);
    this.moveTo({ ...this.position, zoom: this.zoom * factor });
    const [newX, newY] = this.toPlane(left, top);
    this.moveTo({ x: this.x + x - newX, y: this.y + y - newY, zoom: this.zoom });
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
