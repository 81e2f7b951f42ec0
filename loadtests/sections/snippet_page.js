// Measures in the page, with the browser's own clock: what the script costs the main thread, next
// to a bare TreeWalker pass with a digit test and to a naive swapper, on the same nodes.
window.bench = {
  // The page's text nodes: prose; a price and a date in every tenth, a small number in another; and
  // a target's number in every `every`th.
  fill(count, every, numbers) {
    const texts = [
      "The morning shift starts early, and the kettle is on before anybody talks.",
      "Delivered on 2026-11-22, from $1,299.00 a piece, 24/7.",
      "Every garden is different: ask for the one that fits yours.",
      "Roses, tulips and whatever the season gives.",
      "Read more",
      "We answer within 24 hours.",
      "The best thing about it is that nobody has to be at home.",
      "About us",
      "Our people know the trade, and they like to show it.",
      "Terms and conditions",
    ];
    const main = document.querySelector("main");
    main.textContent = "";
    for (let i = 0; i < count; i++) {
      const p = document.createElement("p");
      const number = numbers[(i / every) % numbers.length | 0];
      p.textContent = i % every ? texts[i % texts.length] : `Call ${number} now`;
      main.append(p);
    }
  },

  bare(root = document) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    let found = 0;
    for (let node; (node = walker.nextNode()); ) if (/\d/.test(node.data)) found++;
    return found;
  },

  naive(pairs) {
    let html = document.body.innerHTML;
    for (const [old, number] of pairs) {
      const digits = [...old].join("[-. ()]*");
      html = html.replace(RegExp(digits, "g"), number);
    }
    document.body.innerHTML = html;
  },

  // All that the microtasks of a pass do, its own mutation records included.
  async drained() {
    for (let i = 0; i < 50; i++) await null;
  },

  async timed(work) {
    const start = performance.now();
    work();
    await bench.drained();
    return performance.now() - start;
  },

  // The first pass of each, in a page where nothing has run yet.
  async cold(code) {
    const script = document.createElement("script");
    script.textContent = code;
    const bare = await bench.timed(() => bench.bare());
    const swap = await bench.timed(() => document.head.append(script));
    return { bare, swap, text: document.querySelector("main").firstChild.textContent };
  },

  // Passes of each in turn, with everything put back in between; the first ones of each, while the
  // browser still compiles, don't count. The script writes a text no more than twenty times in two
  // seconds, the cold pass included.
  async warm(passes, uncounted) {
    const bare = [], swap = [];
    const texts = new Set();
    const first = document.querySelector("main").firstChild;
    for (let i = 0; i < uncounted + passes; i++) {
      ringpool("restore");
      await bench.drained();
      texts.add(first.textContent);
      bare.push(await bench.timed(() => bench.bare()));
      swap.push(await bench.timed(() => ringpool("swap")));
      texts.add(first.textContent);
    }
    const counted = times => bench.undisturbed(times.slice(uncounted));
    return { bare: counted(bare), swap: counted(swap), texts: [...texts] };
  },

  // A batch of `count` new nodes, one of them with a number; the same nodes for the bare pass.
  async batch(count, passes, number) {
    const main = document.querySelector("main");
    const bare = [], swap = [];
    for (let i = 0; i < passes; i++) {
      const part = document.createElement("section");
      for (let n = 0; n < count; n++) {
        const p = document.createElement("p");
        p.textContent = n ? `On the ${n}th day, something else came.` : `Call ${number} now`;
        part.append(p);
      }
      bare.push(await bench.timed(() => bench.bare(part)));
      main.append(part);
      swap.push(await bench.timed(() => {})); // the observer's turn comes before ours
      part.remove();
      await bench.drained();
    }
    return { bare: bench.undisturbed(bare), swap: bench.undisturbed(swap) };
  },

  async naively(pairs, passes) {
    const main = document.querySelector("main").innerHTML;
    const bare = [], swap = [];
    for (let i = 0; i < passes; i++) {
      bare.push(await bench.timed(() => bench.bare()));
      swap.push(await bench.timed(() => bench.naive(pairs)));
      document.querySelector("main").innerHTML = main;
    }
    return { bare: bench.undisturbed(bare), swap: bench.undisturbed(swap), first: swap[0] };
  },

  // The lower quartile: other work on the machine only ever makes a pass longer, and the longer a
  // pass is, the more often that happens to it.
  undisturbed: values => values.sort((a, b) => a - b)[values.length >> 2],
};
