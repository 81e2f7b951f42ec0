"use client";
// Loads a part of the page by itself: its code may come when the rest is hydrated already.
import dynamic from "next/dynamic";

const Later = dynamic(() => import("./Later"));

export default function Late() {
  return <Later />;
}
