/**
 * Which points are shown as pictures: as many as find room without lying over each other. Who is shown stays while
 * there is room for it, so that pictures neither flicker nor change places when the map moves.
 */

export class Mosaic {
  #shown = [];

  /** @param {import("./point-grid.js").PointGrid} grid */
  constructor(grid) {
    this.grid = grid;
  }

  /**
   * Choose the points for what a camera sees, each at least `spacing` pixels from all others in x or in y.
   *
   * @returns {{point: number, left: number, top: number}[]} With their places on the screen.
   */
  choose(camera, spacing) {
    const { grid } = this;
    const sheet = new Sheet(camera, spacing);
    for (const { point } of this.#shown) sheet.add(point, grid.x(point), grid.y(point));
    grid.eachRange(camera.seen(spacing / 2), (from, to) => {
      for (let index = from; index < to; index++) sheet.add(grid.order[index], grid.xs[index], grid.ys[index]);
    });
    this.#shown = sheet.added;
    return this.#shown;
  }
}

/** The screen in cells as wide as the spacing: there is room for one picture in a cell, and neighbours tell if. */
class Sheet {
  added = [];

  constructor(camera, spacing) {
    this.spacing = spacing;
    this.scale = camera.scale;
    [this.originX, this.originY] = camera.toScreen(0, 0);
    this.columns = Math.ceil(camera.width / spacing) + 3; // one beyond each side, and an empty one for its neighbours
    this.rows = Math.ceil(camera.height / spacing) + 3;
    this.taken = new Uint16Array(this.columns * this.rows); // number of the picture in a cell, counted from 1
  }

  add(point, x, y) {
    const left = this.originX + x * this.scale;
    const top = this.originY - y * this.scale;
    const column = Math.floor(left / this.spacing) + 1;
    const row = Math.floor(top / this.spacing) + 1;
    if (column < 0 || row < 0 || column > this.columns - 2 || row > this.rows - 2) return;
    const cell = row * this.columns + column;
    if (this.taken[cell] || this.#crowded(left, top, cell)) return;
    this.added.push({ point, left, top });
    this.taken[cell] = this.added.length;
  }

  #crowded(left, top, cell) {
    for (let row = -this.columns; row <= this.columns; row += this.columns) {
      for (let column = -1; column <= 1; column++) {
        const number = this.taken[cell + row + column];
        if (number && this.#near(this.added[number - 1], left, top)) return true;
      }
    }
    return false;
  }

  #near(other, left, top) {
    return Math.abs(other.left - left) < this.spacing && Math.abs(other.top - top) < this.spacing;
  }
}
