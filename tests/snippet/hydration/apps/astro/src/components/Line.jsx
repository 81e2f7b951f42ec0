// A line of the page: never hydrated where the page names no moment for it.
import { useEffect } from "react";

const PHONE = "800-555-0100";

export default function Line({ id }) {
  useEffect(() => {
    window.hydratedLines = [...(window.hydratedLines || []), id];
  }, []);
  return <p id={id}>Call {PHONE}</p>;
}
