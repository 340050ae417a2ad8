// A picture larger or smaller than its frame: fit, zoom at a point, pan. One CSS transform moves everything.

import { clamp } from "./geometry.js";

const MOST = 16;

export class Viewport {
  /**
   * @param {HTMLElement} root the frame
   * @param {HTMLElement} stage what is moved; its own size is that of the image in pixels
   * @param {{width: number, height: number, changed?: () => void}} options
   */
  constructor(root, stage, { width, height, changed = () => {} }) {
    Object.assign(this, { root, stage, width, height, changed, scale: 1, x: 0, y: 0, fitted: true });
    stage.style.width = `${width}px`;
    stage.style.height = `${height}px`;
    this.watcher = new ResizeObserver(() => (this.fitted ? this.fit() : this.apply()));
    this.watcher.observe(root);
    this.fit();
  }

  /** Another picture in the same frame. */
  resize(width, height) {
    Object.assign(this, { width, height });
    this.stage.style.width = `${width}px`;
    this.stage.style.height = `${height}px`;
    this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.root;
    if (!clientWidth || !clientHeight) return;
    this.least = Math.min(clientWidth / this.width, clientHeight / this.height);
    this.scale = this.least;
    this.x = (clientWidth - this.width * this.scale) / 2;
    this.y = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
    this.apply();
  }

  /** Fill the frame with a part of the picture. */
  show({ x, y, w, h }) {
    const { clientWidth, clientHeight } = this.root;
    if (!clientWidth || !clientHeight) return;
    this.least = Math.min(clientWidth / this.width, clientHeight / this.height);
    this.scale = clamp(Math.min(clientWidth / w, clientHeight / h), this.least, Math.max(MOST, this.least * MOST));
    this.x = clientWidth / 2 - (x + w / 2) * this.scale;
    this.y = clientHeight / 2 - (y + h / 2) * this.scale;
    this.fitted = false;
    this.apply();
  }

  /** Zoom so that the point under (clientX, clientY) stays where it is; without a point, the middle. */
  zoom(factor, clientX, clientY) {
    const frame = this.root.getBoundingClientRect();
    const px = clientX === undefined ? frame.width / 2 : clientX - frame.left;
    const py = clientY === undefined ? frame.height / 2 : clientY - frame.top;
    const scale = clamp(this.scale * factor, this.least * 0.5, Math.max(MOST, this.least * MOST));
    this.x = px - (px - this.x) * (scale / this.scale);
    this.y = py - (py - this.y) * (scale / this.scale);
    this.scale = scale;
    this.fitted = false;
    this.apply();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.apply();
  }

  apply() {
    this.stage.style.setProperty("--unit", String(1 / this.scale)); // a line of so many screen pixels
    this.stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.changed();
  }

  /** @returns {[number, number]} image pixels under a pointer */
  toImage({ clientX, clientY }) {
    const frame = this.root.getBoundingClientRect();
    return [
      clamp((clientX - frame.left - this.x) / this.scale, 0, this.width),
      clamp((clientY - frame.top - this.y) / this.scale, 0, this.height),
    ];
  }

  /** @returns {[number, number]} place in the frame of a point of the image */
  toFrame(x, y) {
    return [this.x + x * this.scale, this.y + y * this.scale];
  }

  close() {
    this.watcher.disconnect();
  }
}

/** Two fingers: the one that moved, where it was before, and the other. */
export function pinch(view, event, before, other) {
  const gap = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
  const middle = (a) => [(a.clientX + other.clientX) / 2, (a.clientY + other.clientY) / 2];
  const [x0, y0] = middle(before), [x1, y1] = middle(event);
  view.pan(x1 - x0, y1 - y0);
  view.zoom(gap(event) / Math.max(1, gap(before)), x1, y1);
}
