/** Points sorted into square cells, so that those within a box or near a place are found without looking at all. */

const POINTS_PER_CELL = 8;

export class PointGrid {
  /** @param {Float32Array} points x and y of each point in turn. */
  constructor(points) {
    this.points = points;
    this.count = points.length / 2;
    this.bounds = boundsOf(points);
    this.side = Math.max(1, Math.ceil(Math.sqrt(this.count / POINTS_PER_CELL)));
    const cells = this.#cells();
    this.#sort(cells);
  }

  x(point) {
    return this.points[2 * point];
  }

  y(point) {
    return this.points[2 * point + 1];
  }

  /** Call with ranges of `order` (from, to) that hold all points within a box, and some around it. */
  eachRange({ minX, minY, maxX, maxY }, call) {
    const [left, right] = [this.#column(minX), this.#column(maxX)];
    const [bottom, top] = [this.#row(minY), this.#row(maxY)];
    for (let row = bottom; row <= top; row++) {
      const start = row * this.side;
      call(this.starts[start + left], this.starts[start + right + 1]);
    }
  }

  /** The points nearest to a place, nearest first. */
  nearest(x, y, count, within = Infinity) {
    const { minX, minY, maxX, maxY } = this.bounds;
    const all = Math.hypot(maxX - minX, maxY - minY) + Math.hypot(x - minX, y - minY);
    const furthest = Math.min(within, all);
    let radius = Math.min(furthest, Math.max(maxX - minX, maxY - minY) / this.side);
    for (;;) {
      const found = this.#within(x, y, radius);
      if (found.length >= count || radius >= furthest) {
        return found.sort((one, other) => one.distance - other.distance).slice(0, count).map(({ point }) => point);
      }
      radius = Math.min(furthest, 2 * radius);
    }
  }

  #within(x, y, radius) {
    const found = [];
    const box = { minX: x - radius, minY: y - radius, maxX: x + radius, maxY: y + radius };
    this.eachRange(box, (from, to) => {
      for (let index = from; index < to; index++) {
        const distance = Math.hypot(this.xs[index] - x, this.ys[index] - y);
        if (distance <= radius) found.push({ point: this.order[index], distance });
      }
    });
    return found;
  }

  #column(x) {
    return this.#place(x, this.bounds.minX, this.bounds.maxX);
  }

  #row(y) {
    return this.#place(y, this.bounds.minY, this.bounds.maxY);
  }

  #place(value, low, high) {
    const place = Math.floor(((value - low) / (high - low)) * this.side);
    return Math.min(Math.max(place, 0), this.side - 1);
  }

  #cells() {
    const cells = new Uint32Array(this.count);
    for (let point = 0; point < this.count; point++) {
      cells[point] = this.#row(this.y(point)) * this.side + this.#column(this.x(point));
    }
    return cells;
  }

  /** A counting sort: `order` has the points by cell, `starts` where each cell begins, `xs` and `ys` where they are. */
  #sort(cells) {
    this.starts = new Uint32Array(this.side ** 2 + 1);
    for (const cell of cells) this.starts[cell + 1]++;
    for (let cell = 0; cell < this.side ** 2; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.order = new Uint32Array(this.count);
    this.xs = new Float32Array(this.count);
    this.ys = new Float32Array(this.count);
    for (let point = 0; point < this.count; point++) {
      const index = next[cells[point]]++;
      this.order[index] = point;
      this.xs[index] = this.x(point);
      this.ys[index] = this.y(point);
    }
  }
}

/** The box around all points, never without width or height. */
function boundsOf(points) {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let index = 0; index < points.length; index += 2) {
    minX = Math.min(minX, points[index]);
    maxX = Math.max(maxX, points[index]);
    minY = Math.min(minY, points[index + 1]);
    maxY = Math.max(maxY, points[index + 1]);
  }
  const least = 1e-6;
  return { minX: minX - least, minY: minY - least, maxX: maxX + least, maxY: maxY + least };
}
