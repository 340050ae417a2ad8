// What the boxes of several people say about each other. Pure functions over one image of the review queue.

import { iou, toPixels } from "../lib/geometry.js";

export const SHAKY = 0.8;
const SAME = 0.1;

/** Letters A … E have a colour and a dash each; from the sixth annotator on they repeat. */
export const look = (letter) => `l${"abcde"[(letter.charCodeAt(0) - 65) % 5]}`;

/**
 * @param {object} item an image as the server sends it
 * @returns {{rows: {box: object, label: string, points: number[][], ious: {letter: string, used: boolean, iou: number | null}[], lowest: number | null}[],
 *   extras: {box: object, letters: string[]}[], flagged: {letter: string, flags: string[]}[]}} pixels of the original
 */
export function findings(item) {
  const { w, h } = item.image;
  const agreed = item.consensus.map((one) => ({ label: one.label, box: toPixels(one.box, w, h), points: one.points }));
  const people = item.variants.map((one) => ({ ...one, boxes: one.boxes.map((box) => toPixels(box.box, w, h)) }));
  const rows = agreed.map(({ box, label, points }) => {
    const ious = people.map(({ letter, used, boxes }) => ({ letter, used, iou: best(box, boxes) }));
    const counted = ious.filter((one) => one.used && one.iou !== null).map((one) => one.iou);
    return { box, label, points, ious, lowest: counted.length ? Math.min(...counted) : null };
  });
  return { rows, extras: extras(agreed.map((one) => one.box), people), flagged: people.filter((one) => one.flags.length) };
}

/** The highest IoU of one of these boxes, or null when none touches. */
function best(box, boxes) {
  const values = boxes.map((other) => iou(box, other)).filter((value) => value > SAME);
  return values.length ? Math.max(...values) : null;
}

/** Boxes that no agreed box stands for, with everybody who drew them. */
function extras(agreed, people) {
  const found = [];
  for (const { letter, boxes } of people) {
    for (const box of boxes.filter((one) => best(one, agreed) === null)) {
      const known = found.find((one) => iou(one.box, box) > 0.3);
      if (known) known.letters.push(letter);
      else found.push({ box, letters: [letter] });
    }
  }
  return found;
}

/** The part of the image around a box that fills a frame of this shape, as [x, y, w, h]. */
export function around(box, shape, room = 1.5) {
  const height = Math.max(box.h * room, (box.w * room) / shape);
  const width = height * shape;
  return [box.x + box.w / 2 - width / 2, box.y + box.h / 2 - height / 2, width, height];
}

/** "A", "A and B", "A, B and C" */
export function listed(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");
}
