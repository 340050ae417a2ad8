/**
 * Small hands for the page. Text always goes in as text: nothing here parses HTML.
 */
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] true = present, false or null = absent
 * @param {...(Node | string | number)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (fill(document.createElement(name), attributes, children));
}

/**
 * Make an SVG element.
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string | number)} children
 * @returns {SVGElement}
 */
export function s(name, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (fill(document.createElementNS(SVG, name), attributes, children));
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") throw new TypeError("set styles through element.style");
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/**
 * Listen, on an element or for all its present and future children that fit a selector.
 * @returns {() => void} stops listening
 */
export function on(target, type, selector, handler) {
  const listener = (event) => {
    if (selector === null) return handler(event, target);
    const found = event.target instanceof Element ? event.target.closest(selector) : null;
    return found && target.contains(found) ? handler(event, found) : undefined;
  };
  target.addEventListener(type, listener);
  return () => target.removeEventListener(type, listener);
}

/** Read the JSON that a template handed over with `json_script`; null when it is not there. */
export function dataOf(id, root = document) {
  const element = root.querySelector(`#${CSS.escape(id)}`);
  return element ? JSON.parse(element.textContent || "null") : null;
}

/** True while the person is typing somewhere, so that single keys keep still. */
export function isTyping(event) {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
