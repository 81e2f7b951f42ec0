/* Run in the page by browser.py: waits until the page rests, then gives, as JSON, its elements as the
   script left them and as the site printed them. The two are taken without a pause between them. */
async deepest => {
  const quietFor = 500;
  const atMost = 5000;
  await new Promise(resolve => {
    let timer;
    const changed = () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, quietFor);
    };
    new MutationObserver(changed)
      .observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    changed();
    setTimeout(resolve, atMost);
  });

  const attributesOf = element => {
    const found = {};
    for (const { name, value } of element.attributes) found[name] = value;
    if (element.nonce) found.nonce = element.nonce; // browsers hide the attribute
    return found;
  };

  const frameOf = element => {
    try {
      return element.contentDocument && element.contentDocument.documentElement;
    } catch {
      return null; // of another origin
    }
  };

  // A form may hide its own properties behind fields of their names.
  const childrenOf = Object.getOwnPropertyDescriptor(Node.prototype, "childNodes").get;

  const nodesIn = (parent, depth) => {
    const nodes = [];
    for (const node of childrenOf.call(parent)) {
      if (node.nodeType == 3) nodes.push(node.data);
      else if (node.nodeType == 1) {
        const beside = depth >= deepest ? nodesIn(node, depth) : [];
        nodes.push(treeOf(node, depth, depth < deepest), ...beside);
      }
    }
    return nodes;
  };

  const treeOf = (element, depth, whole) => {
    const tree = { n: element.localName, a: attributesOf(element), c: [] };
    if (!whole) return tree;
    tree.c = nodesIn(element.localName == "template" ? element.content : element, depth + 1);
    if (element.shadowRoot) tree.s = nodesIn(element.shadowRoot, depth + 1);
    const frame = /^i?frame$/.test(element.localName) && frameOf(element);
    if (frame) tree.d = treeOf(frame, depth + 1, depth + 1 < deepest);
    return tree;
  };

  const consent = {};
  for (const entry of [].concat(window.dataLayer || [])) {
    if (entry && entry[0] == "consent") {
      for (const name in entry[2]) consent[name] = String(entry[2][name]);
    }
  }

  const ran = typeof window.ringpool == "function" && !!window.ringpool.running;
  const page = () => treeOf(document.documentElement, 0, true);
  delete Array.prototype.toJSON; // old libraries change JSON by it
  if (!ran) return JSON.stringify({ ran, consent, page: page() });
  const swapped = page();
  window.ringpool("restore");
  const printed = page();
  window.ringpool("swap");
  return JSON.stringify({ ran, consent, swapped, page: printed });
}
