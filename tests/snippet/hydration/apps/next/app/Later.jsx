// A part with code of its own.
import { useEffect } from "react";

const PHONE = "800-555-0100";

export default function Later() {
  useEffect(() => {
    window.hydratedLater = true;
  }, []);
  return <p id="slow">Later: call {PHONE}</p>;
}
