export const isPhone = /Mobi/.test(navigator.userAgent);

/**
 * Makes a number that stands in a text node a link to call it; the text before it stays in its
 * node. @param {Text} node @param {[shown: string, number: string]} what as it stands there, and in E.164
 */
export const linkNumber = (node, [shown, number]) => {
  const link = document.createElement("a");
  const rest = node.splitText(node.data.indexOf(shown));
  link.href = "tel:" + number;
  rest.splitText(shown.length);
  rest.replaceWith(link);
  link.append(rest);
};
