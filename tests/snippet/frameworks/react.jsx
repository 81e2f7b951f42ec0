// A page as React renders it: text nodes and attributes that React thinks it owns.
import { createContext, useContext, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { flushSync } from "react-dom";

const Phone = createContext("800-555-0100");

function Call({ children }) {
  const phone = useContext(Phone);
  return (
    <a className="call" href={`tel:${phone}`} title={`Call ${phone}`}>
      {children} {phone}
    </a>
  );
}

export function App() {
  const [count, setCount] = useState(0);
  const [open, setOpen] = useState(true);
  const [phone, setPhone] = useState("800-555-0100");
  const [items, setItems] = useState(["one", "two", "three"]);
  return (
    <Phone.Provider value={phone}>
      <button id="more" onClick={() => setCount(count + 1)}>more</button>
      <button id="toggle" onClick={() => setOpen(!open)}>toggle</button>
      <button id="reverse" onClick={() => setItems([...items].reverse())}>reverse</button>
      <button id="other" onClick={() => setPhone("212-555-0199")}>other</button>
      <button id="again" onClick={() => setPhone("800-555-0100")}>again</button>
      <p id="mixed">Clicked {count} times, call {phone} now</p>
      <p id="split">({phone.slice(0, 3)}) {phone.slice(4)}</p>
      {open && <p id="open"><Call>Tel</Call></p>}
      <ul id="items">
        {items.map(item => <li key={item}>{item}: {phone}</li>)}
      </ul>
      <input id="field" value={phone} readOnly />
    </Phone.Provider>
  );
}

window.mount = () => {
  const root = createRoot(document.querySelector("#app"));
  flushSync(() => root.render(<App />));
  window.unmount = () => root.unmount();
};

window.hydrate = () => {
  const onRecoverableError = error => (window.recovered = window.recovered || []).push(String(error));
  hydrateRoot(document.querySelector("#app"), <App />, { onRecoverableError });
};
