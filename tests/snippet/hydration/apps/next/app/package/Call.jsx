"use client";
import { useNumber, useRingpool } from "@ringpool/page/react";

export default function Call() {
  useRingpool({ src: "/numbers/dni.js", account: "shop", timeout: "20000" });
  const phone = useNumber("+18005550100", { printed: "800-555-0100" });
  return <a id="hook" href={phone.href} data-rp-noswap="">{phone.text}</a>;
}
