// Making and changing elements, and numbers as people read them. Texts go in as texts, never as markup.

/** @param {string} id @returns {HTMLElement} */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element.
 * @param {string} name
 * @param {Object<string, string>} [attributes]
 * @param {...(Node|string)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The same for a part of a drawing. */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Changes a text, if it is another one: what stays the same is not drawn anew. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** The path of a line through values, from left to right; those that are not known are left out. */
export function line(values, width, height, max) {
  let path = '';
  let pen = 'M';
  const step = width / Math.max(values.length - 1, 1);
  for (let at = 0; at < values.length; at += 1) {
    if (Number.isNaN(values[at])) {
      pen = 'M';
      continue;
    }
    const y = height - (max > 0 ? (values[at] / max) * height : 0);
    path += `${pen}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

const UNITS = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

/** A number in a few characters: 0, 0.3, 12, 3.4k. */
export function short(number) {
  if (Number.isNaN(number)) return '–';
  for (const [unit, letter] of UNITS) {
    if (number >= unit) {
      const scaled = number / unit;
      return `${scaled.toFixed(scaled < 100 ? 1 : 0)}${letter}`;
    }
  }
  if (number === 0) return '0';
  return number < 0.1 ? '<0.1' : number.toFixed(number < 10 ? 1 : 0);
}

/** A whole number with separators. */
export const whole = (number) => number.toLocaleString('en-US').replaceAll(',', '\u2009');

/** How long ago, such as `3 h`. */
export function age(seconds) {
  for (const [unit, name] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) {
    if (seconds >= unit) return `${Math.floor(seconds / unit)} ${name}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}
