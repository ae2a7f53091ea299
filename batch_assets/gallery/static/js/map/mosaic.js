/**
 * Which points are shown as pictures: at each zoom level so many that none lies over another. Who is shown stays
 * when one zooms in, and others join.
 */

const STEP = 0.5; // binary orders of magnitude from one level to the next

export class Mosaic {
  #levels = [];

  /** @param {import("./point-grid.js").PointGrid} grid */
  constructor(grid) {
    this.grid = grid;
    this.extent = Math.max(grid.bounds.maxX - grid.bounds.minX, grid.bounds.maxY - grid.bounds.minY);
    this.candidates = scattered(grid.count);
  }

  /**
   * The points to show where a unit of the plane is `scale` pixels, at least `spacing` pixels apart.
   *
   * @returns {Uint32Array}
   */
  points(scale, spacing) {
    const level = Math.max(0, Math.floor(Math.log2((this.extent * scale) / spacing) / STEP));
    while (this.#levels.length <= level) this.#levels.push(this.#next());
    return this.#levels[level];
  }

  #next() {
    const before = this.#levels.at(-1) ?? new Uint32Array();
    if (before.length === this.grid.count) return before;
    const sparse = new SparsePoints(this.grid, this.extent / 2 ** (STEP * this.#levels.length));
    for (const point of before) sparse.add(point);
    for (const point of this.candidates) sparse.add(point);
    return Uint32Array.from(sparse.added);
  }
}

/** Points that all are further from each other, in x or in y, than a spacing. */
class SparsePoints {
  added = [];
  #cells = new Map();

  constructor(grid, spacing) {
    this.grid = grid;
    this.spacing = spacing;
    this.columns = Math.ceil((grid.bounds.maxX - grid.bounds.minX) / spacing) + 3;
  }

  /** Add a point unless one is too near; two of one cell always are. */
  add(point) {
    const column = Math.floor((this.grid.x(point) - this.grid.bounds.minX) / this.spacing) + 1;
    const row = Math.floor((this.grid.y(point) - this.grid.bounds.minY) / this.spacing) + 1;
    const cell = row * this.columns + column;
    if (this.#cells.has(cell) || this.#crowded(point, cell)) return;
    this.#cells.set(cell, point);
    this.added.push(point);
  }

  #crowded(point, cell) {
    for (const row of [-this.columns, 0, this.columns]) {
      for (const column of [-1, 0, 1]) {
        const other = this.#cells.get(cell + row + column);
        if (other !== undefined && this.#near(point, other)) return true;
      }
    }
    return false;
  }

  #near(one, other) {
    return (
      Math.abs(this.grid.x(one) - this.grid.x(other)) < this.spacing &&
      Math.abs(this.grid.y(one) - this.grid.y(other)) < this.spacing
    );
  }
}

/** All points, neighbours in number far from each other: the order is by date, and each should be seen of every time. */
function scattered(count) {
  const order = Uint32Array.from({ length: count }, (_, point) => point);
  const rank = (point) => Math.imul(point, 0x9e3779b1) >>> 0;
  return order.sort((one, other) => rank(one) - rank(other));
}
